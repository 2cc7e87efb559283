/** Vectors made by a BEAM, from test/vectors/etf, where the programs stand that make them. */
import { readFileSync } from 'node:fs'

/** The lines of a file, parsed. */
export function readVectors<T>(name: string): T[] {
  const text = readFileSync(new URL(`../vectors/etf/${name}.jsonl`, import.meta.url), 'utf8')
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T)
}

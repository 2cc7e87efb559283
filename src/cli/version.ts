import { readFile } from 'node:fs/promises'

/** The version in this package's package.json, which lies two folders up from source and build alike. */
export async function packageVersion(): Promise<string> {
  const manifest = new URL('../../package.json', import.meta.url)
  return JSON.parse(await readFile(manifest, 'utf8')).version
}

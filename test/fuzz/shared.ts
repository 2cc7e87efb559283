/** What the thread of the fuzzer and the one that watches it tell each other. */
import type { Fuzzed } from './fuzzer.ts'

/** What the watching thread says. */
export interface Order {
  /** The bundled target. */
  readonly script: string
  readonly seed: number
  readonly milliseconds: number
  /** How often inputs were begun (u32), the length of the last one (u32), and its bytes. */
  readonly shared: SharedArrayBuffer
  /** Only this input. */
  readonly input: Uint8Array | undefined
}

/** The answer; what was thrown as text. */
export interface Report extends Omit<Fuzzed, 'finding'> {
  readonly finding: { readonly bytes: Uint8Array; readonly error: string } | undefined
}

/** Bytes before those of the input. */
export const SHARED_HEAD = 8

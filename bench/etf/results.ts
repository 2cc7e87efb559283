/** What a run has found, as it is written to bench/results/etf.json. */
import type { Way } from './worker.ts'

/** One document, one way, in one process. */
export interface Cell {
  readonly participant: string
  readonly document: string
  readonly way: Way
  /** Nanoseconds of processor time per call, one for each round. */
  readonly times: number[]
}

export interface Results {
  readonly machine: Readonly<Record<string, string>>
  readonly date: string
  readonly rounds: number
  readonly msPerMeasurement: number
  /** With the version that took part. */
  readonly versions: Readonly<Record<string, string>>
  /** Why one could not take part. */
  readonly absent: Readonly<Record<string, string>>
  /** Bytes of the encoded documents, by participant and document. */
  readonly sizes: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** Bytes that one decoded document keeps, by participant and document. */
  readonly memory: Readonly<Record<string, Readonly<Record<string, number>>>>
  readonly cells: readonly Cell[]
}

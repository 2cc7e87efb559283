/**
 * A coverage-guided fuzzer: inputs that reach parts of the code which no input reached before are kept and changed
 * further. Why not jazzer.js: its binary wants a newer libc than Debian 12 has, and builds from source only with LLVM's
 * libFuzzer downloaded.
 */
import type { Coverage } from './coverage.ts'
import { mutate, type Random } from './mutate.ts'

/** What is fuzzed: a module of test/fuzz/targets. */
export interface Target {
  /** Inputs to begin with. */
  seeds(): Iterable<Uint8Array>
  /** Bytes that mean something in the format. */
  readonly tokens: readonly Uint8Array[]
  /** Takes any bytes; what it throws is a finding. */
  run(bytes: Uint8Array): void
}

/** An input on which the target failed. */
export interface Finding {
  readonly bytes: Uint8Array
  readonly error: unknown
}

export interface Fuzzed {
  readonly executions: number
  /** How many inputs were kept. */
  readonly corpus: number
  /** How many branches of the script have run. */
  readonly branches: number
  readonly finding: Finding | undefined
}

export interface FuzzOptions {
  readonly random: Random
  readonly coverage: Coverage
  /** Asked after every batch. */
  readonly goesOn: (executions: number) => boolean
  /** Told every input before it runs, so that somebody knows on which one the target hangs. */
  readonly onInput?: (bytes: Uint8Array) => void
}

/** Inputs between two questions whether to go on. */
const BATCH = 64

/** Runs until `goesOn` says no, or the first finding. */
export function fuzz(target: Target, { random, coverage, goesOn, onInput }: FuzzOptions): Fuzzed {
  const corpus: Uint8Array[] = []
  let executions = 0
  let finding: Finding | undefined
  /** Runs an input and keeps it if it reaches something new. */
  const explore = (bytes: Uint8Array): void => {
    onInput?.(bytes)
    executions++
    coverage.reset()
    try {
      target.run(bytes)
    } catch (error) {
      finding ??= { bytes, error }
    }
    if (coverage.keepNew()) corpus.push(bytes)
  }
  const any = (): Uint8Array => corpus[Math.floor(random() * corpus.length)]!

  for (const seed of target.seeds()) {
    explore(seed)
    if (finding !== undefined) break
  }
  if (corpus.length === 0)
    throw new Error('no seed reaches anything: the target or its coverage does not load')
  while (finding === undefined && goesOn(executions)) {
    for (let i = 0; i < BATCH && finding === undefined; i++) {
      explore(mutate(any(), any(), target.tokens, random))
    }
  }
  return { executions, corpus: corpus.length, branches: coverage.branches, finding }
}

/** What is guarded against becoming slow, and how that is told apart from a busy machine. */
import { median } from '../stats.ts'

/**
 * A piece of work beside a reference that stays as it is, in one process. Nothing but the ratio of their times is looked
 * at, so it is the same on every machine.
 */
export interface Guard {
  readonly name: string
  /** Times that the work took as long as the reference when this was written down. */
  readonly expected: number
  /** Time per call, in the same unit for both, measured for at least `ms`. */
  work(ms: number): number | Promise<number>
  reference(ms: number): number | Promise<number>
}

export interface Verdict {
  readonly name: string
  readonly expected: number
  /** The median of the last try. */
  readonly ratio: number
  readonly tries: number
  readonly ok: boolean
}

/** Twice as slow as expected is too slow. */
const TOO_SLOW = 2

const ROUNDS = 13
const ROUND_MS = 6
/** A guard that fails is tried again, each time with longer rounds: a busy machine is no reason to fail. */
const TRIES = 4

/** Measures both in turn, so that a load on the machine meets both; the median leaves out what met one alone. */
async function ratioOf(guard: Guard, ms: number): Promise<number> {
  const ratios: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const reference = await guard.reference(ms)
    ratios.push((await guard.work(ms)) / reference)
  }
  return median(ratios)
}

export async function check(guard: Guard): Promise<Verdict> {
  // Compiled by the optimiser, both of them.
  await ratioOf(guard, ROUND_MS)
  let ratio = Number.POSITIVE_INFINITY
  let tries = 0
  while (ratio > guard.expected * TOO_SLOW && tries < TRIES) {
    ratio = await ratioOf(guard, ROUND_MS * 2 ** tries)
    tries++
  }
  return {
    name: guard.name,
    expected: guard.expected,
    ratio,
    tries,
    ok: ratio <= guard.expected * TOO_SLOW,
  }
}

/**
 * Nanoseconds of processor time per call of a function, for guards whose work is done when it returns. Not of the clock:
 * what other processes take would be in it.
 */
export function timeCalls(run: () => unknown): (ms: number) => number {
  let sink: unknown
  return (ms) => {
    const start = cpuMs()
    let now = start
    let calls = 0
    for (let batch = 1; now - start < ms; ) {
      for (let i = 0; i < batch; i++) sink = run()
      calls += batch
      const last = now
      now = cpuMs()
      if (now - last < 0.2) batch *= 2
    }
    void sink
    return ((now - start) * 1e6) / calls
  }
}

/** Processor time of this process so far, in milliseconds. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

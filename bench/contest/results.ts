/** Measurements and what they come to. Pure. */
import { median, summarize } from '../stats.ts'
import type { Case, Sample } from './cases.ts'

export interface Result {
  readonly contestant: string
  readonly median: number
  /** Half of the distance between the quartiles, as a part of the median. */
  readonly spread: number
  /** Medians of p50, p99 and p99.9, in microseconds. */
  readonly latency: readonly number[] | undefined
  /** To the baseline, of the same rounds; undefined for the baseline. */
  readonly ratio: number | undefined
  readonly values: readonly number[]
}

export interface CaseResult {
  readonly id: string
  readonly what: string
  readonly unit: string
  readonly better: 'more' | 'less'
  readonly target: Case['target']
  readonly results: readonly Result[]
  /** Whether the first challenger meets the target; undefined when there is none. */
  readonly met: boolean | undefined
}

export function resultOf(one: Case, samples: Readonly<Record<string, readonly Sample[]>>): CaseResult {
  const { id, what, unit, better, target } = one
  const [baseline] = Object.keys(samples)
  const results = Object.entries(samples).map(([contestant, all]) => {
    const values = all.map(({ value }) => value)
    const latencies = all.flatMap(({ latency }) => (latency === undefined ? [] : [latency]))
    return {
      contestant,
      ...summaryOf(values),
      latency:
        latencies.length === 0 ? undefined : [0, 1, 2].map((i) => median(latencies.map((each) => each[i]!))),
      // Round by round, because a machine that slows down slows both.
      ratio:
        contestant === baseline || samples[baseline!]!.some(({ value }) => value <= 0)
          ? undefined
          : median(values.map((value, round) => value / samples[baseline!]![round]!.value)),
      values,
    }
  })
  const judged = results.length === 1 ? results[0]! : results[1]!
  return { id, what, unit, better, target, results, met: target && isMet(target, better, judged) }
}

/** Idle processes take nothing at all, which has no spread. */
function summaryOf(values: readonly number[]): { median: number; spread: number } {
  return median(values) === 0 ? { median: 0, spread: 0 } : summarize(values)
}

function isMet(target: NonNullable<Case['target']>, better: 'more' | 'less', result: Result): boolean {
  const [reached, wanted] = 'ratio' in target ? [result.ratio!, target.ratio] : [result.median, target.value]
  return better === 'more' ? reached >= wanted : reached <= wanted
}

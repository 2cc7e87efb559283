/** Summaries of repeated measurements. */

export interface Summary {
  readonly median: number
  /** Half of the distance between the quartiles, as a part of the median. */
  readonly spread: number
}

export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (sorted.length - 1) * part
  const low = sorted[Math.floor(at)]!
  return low + (sorted[Math.ceil(at)]! - low) * (at - Math.floor(at))
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

export function summarize(values: readonly number[]): Summary {
  const middle = median(values)
  return { median: middle, spread: (quantile(values, 0.75) - quantile(values, 0.25)) / 2 / middle }
}

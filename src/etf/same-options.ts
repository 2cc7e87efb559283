/** Whether a reader or writer that is at hand may serve another call: making one takes as long as a small message. */
import type { CodecLimits, CodecOptions } from './options.ts'

/** The options as they are now: whoever gave them may change them later. */
export function snapshotOf(options: CodecOptions): CodecOptions {
  const { limits, structs } = options
  return {
    ...options,
    ...(limits === undefined ? {} : { limits: { ...limits } }),
    ...(structs === undefined ? {} : { structs: [...structs] }),
  }
}

/** Whether the options ask for what the ones in the snapshot asked for. */
export function sameOptions(snapshot: CodecOptions, options: CodecOptions): boolean {
  return (
    snapshot.binaries === options.binaries &&
    snapshot.floats === options.floats &&
    snapshot.maps === options.maps &&
    snapshot.objectKeys === options.objectKeys &&
    snapshot.deterministic === options.deterministic &&
    snapshot.atomBudget === options.atomBudget &&
    snapshot.atomRef === options.atomRef &&
    snapshot.records === options.records &&
    sameElements(snapshot.structs, options.structs) &&
    sameLimits(snapshot.limits, options.limits)
  )
}

function sameElements(a: readonly unknown[] | undefined, b: readonly unknown[] | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a.length === b.length && a.every((each, i) => each === b[i])
}

function sameLimits(a: CodecLimits | undefined, b: CodecLimits | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a.depth === b.depth && a.atoms === b.atoms && a.inflated === b.inflated && a.elements === b.elements
}

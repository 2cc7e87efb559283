/** Options of the codec and their defaults (design.md 3). */
import { OptionError } from '../core/index.ts'
import type { AtomBudget } from './atom-budget.ts'
import type { StructCodec } from './structs.ts'
import type { Atom } from './terms/atom.ts'

/** Bounds on what is encoded and decoded; all finite. */
export interface CodecLimits {
  /** Levels of lists, tuples and maps inside each other. Default 10 000. */
  readonly depth?: number
  /** Atoms that one call, or one connection, may introduce; see `AtomBudget`. Default 100 000. */
  readonly atoms?: number
  /** Bytes that a compressed term may take when inflated. Default 64 MiB. */
  readonly inflated?: number
  /**
   * Elements of all lists, tuples and maps of one decoded term, or of one message, together. A term takes up to a hundred
   * times its bytes here (an empty list has one on the wire), so a limit on bytes alone says little. Default 10 000 000.
   */
  readonly elements?: number
}

export interface EncodeOptions {
  /**
   * What the keys of plain objects become: atoms (default), or binaries. Atoms are never given back, here and on every
   * node that they reach, so keys that come from outside, such as names of users, belong in a `Map` or in 'string'.
   */
  readonly objectKeys?: 'atom' | 'string'
  /** zlib level 1 to 9, or true for 6. Kept only when it is shorter. Default: not compressed. */
  readonly compress?: boolean | number
  /** Map pairs sorted by key in exact term order, so that equal terms give equal bytes. Default false. */
  readonly deterministic?: boolean
  /** Classes for Elixir structs, such as `...elixirStructs`. Default none. */
  readonly structs?: readonly StructCodec[]
  readonly limits?: CodecLimits
  /**
   * The index under which an atom is written as ATOM_CACHE_REF, or -1 to write it in full. @internal
   */
  readonly atomRef?: (atom: Atom) => number
  /** False: native records are refused, for a peer that cannot take them. @internal */
  readonly records?: boolean
}

export interface DecodeOptions {
  /** What a binary of valid UTF-8 becomes: a string (default), or bytes as any other binary. */
  readonly binaries?: 'string' | 'buffer'
  /** What an integral float becomes: a number (default), or a `Float`, which encodes as a float again. */
  readonly floats?: 'number' | 'exact'
  /** What a map whose keys are all atoms or all strings becomes: a `Map` (default), or an object. */
  readonly maps?: 'map' | 'object'
  /** Classes for Elixir structs, such as `...elixirStructs`. Default none: structs are maps. */
  readonly structs?: readonly StructCodec[]
  readonly limits?: CodecLimits
  /** Shared count of introduced atoms; replaces `limits.atoms`. */
  readonly atomBudget?: AtomBudget
}

/** Both directions. */
export interface CodecOptions extends EncodeOptions, DecodeOptions {}

/**
 * The preset with which every term survives decoding and encoding unchanged.
 *
 * @example
 * encode(decode(encode(float(3)), EXACT)) // 3.0
 */
export const EXACT = Object.freeze({
  binaries: 'string',
  floats: 'exact',
  maps: 'map',
  structs: Object.freeze([]),
} as const satisfies DecodeOptions)

export const DEFAULT_LIMITS: Required<CodecLimits> = Object.freeze({
  depth: 10_000,
  atoms: 100_000,
  inflated: 64 * 1024 * 1024,
  elements: 10_000_000,
})

/** The limits with the defaults filled in. */
export function resolveLimits(limits: CodecLimits | undefined): Required<CodecLimits> {
  if (limits === undefined) return DEFAULT_LIMITS
  const resolved = { ...DEFAULT_LIMITS }
  for (const name of ['depth', 'atoms', 'inflated', 'elements'] as const) {
    const value = limits[name]
    if (value === undefined) continue
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new OptionError(`limits.${name} must be a whole number from 0, got ${value}`)
    }
    resolved[name] = value
  }
  return resolved
}

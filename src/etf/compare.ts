/** Erlang's order of all terms, and equality (protocol.md 5.5). */
import { asAtom, asBytes, asFloat, bitLengthOf, KIND, type Kind, mapPairs, requireKind } from './kinds.ts'
import type { Atom } from './terms/atom.ts'
import type { ExportFun } from './terms/export-fun.ts'
import type { Pid } from './terms/pid.ts'
import type { Port } from './terms/port.ts'
import type { Reference } from './terms/reference.ts'
import type { Encodable, Fun, RecordTerm } from './terms/term.ts'
import { ImproperList } from './terms/term.ts'

/** `-1` when a comes first, `1` when b does, `0` when neither. */
export type Order = -1 | 0 | 1

function orderOf<T extends number | bigint | string>(a: T, b: T): Order {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Places in the order of types: integer and float share one, local and external fun another. */
function rankOf(kind: Kind): number {
  if (kind === KIND.FLOAT) return KIND.INTEGER
  return kind === KIND.EXPORT ? KIND.FUN : kind
}

function compareBytes(a: Uint8Array, b: Uint8Array, aStart = 0, bStart = 0): Order {
  const length = Math.min(a.length - aStart, b.length - bStart)
  for (let i = 0; i < length; i++) {
    const order = orderOf(a[aStart + i]!, b[bStart + i]!)
    if (order !== 0) return order
  }
  return orderOf(a.length - aStart, b.length - bStart)
}

function compareAtoms(a: Atom, b: Atom): Order {
  return a === b ? 0 : compareBytes(a.wire, b.wire, a.textStart, b.textStart)
}

/** Bit by bit; the shorter one first when it is the beginning of the other. */
function compareBits(a: unknown, b: unknown): Order {
  const aBytes = asBytes(a)
  const bBytes = asBytes(b)
  const aBits = bitLengthOf(a, aBytes)
  const bBits = bitLengthOf(b, bBytes)
  const common = Math.min(aBits, bBits)
  const whole = common >> 3
  const order = compareBytes(aBytes.subarray(0, whole), bBytes.subarray(0, whole))
  if (order !== 0) return order
  const rest = common & 7
  if (rest !== 0) {
    const shift = 8 - rest
    const last = orderOf(aBytes[whole]! >> shift, bBytes[whole]! >> shift)
    if (last !== 0) return last
  }
  return orderOf(aBits, bBits)
}

function compareReferences(a: Reference, b: Reference): Order {
  const order = compareAtoms(a.node, b.node) || orderOf(a.creation, b.creation)
  if (order !== 0) return order
  for (let i = Math.max(a.words.length, b.words.length) - 1; i >= 0; i--) {
    const word = orderOf(a.words[i] ?? 0, b.words[i] ?? 0)
    if (word !== 0) return word
  }
  return 0
}

function comparePorts(a: Port, b: Port): Order {
  // JavaScript compares number and bigint by value.
  const order = a.id < b.id ? -1 : a.id > b.id ? 1 : 0
  return compareAtoms(a.node, b.node) || orderOf(a.creation, b.creation) || order
}

function comparePids(a: Pid, b: Pid): Order {
  return (
    orderOf(a.serial, b.serial) ||
    orderOf(a.id, b.id) ||
    compareAtoms(a.node, b.node) ||
    orderOf(a.creation, b.creation)
  )
}

function compareExports(a: ExportFun, b: ExportFun): Order {
  return compareAtoms(a.module, b.module) || compareAtoms(a.function, b.function) || orderOf(a.arity, b.arity)
}

/** All of a fun but its free variables. */
function compareFuns(a: Fun, b: Fun): Order {
  return (
    compareAtoms(a.module, b.module) ||
    orderOf(a.index, b.index) ||
    orderOf(a.oldUniq, b.oldUniq) ||
    orderOf(a.free.length, b.free.length)
  )
}

function compareFloats(a: number, b: number, exact: boolean): Order {
  const order = orderOf(a, b)
  if (order !== 0 || !exact || a !== 0) return order
  return orderOf(Object.is(a, -0) ? 0 : 1, Object.is(b, -0) ? 0 : 1)
}

/** Numbers by value, where JavaScript compares bigint and number without rounding. Exact: integers before floats. */
function compareNumbers(a: unknown, aKind: Kind, b: unknown, bKind: Kind, exact: boolean): Order {
  if (exact && aKind !== bKind) return aKind === KIND.INTEGER ? -1 : 1
  if (aKind === KIND.FLOAT && bKind === KIND.FLOAT) return compareFloats(asFloat(a), asFloat(b), exact)
  const aValue = aKind === KIND.FLOAT ? asFloat(a) : (a as number | bigint)
  const bValue = bKind === KIND.FLOAT ? asFloat(b) : (b as number | bigint)
  return aValue < bValue ? -1 : aValue > bValue ? 1 : 0
}

function itemsOf(list: unknown): readonly unknown[] {
  return list instanceof ImproperList ? list.items : (list as unknown[])
}

const NIL: readonly unknown[] = []

type Pair = [unknown, unknown]
type SortedMaps = Map<unknown, readonly Pair[]>

/**
 * Compares without recursion but into the keys of maps: `#pending` holds the pairs that decide when all before them are
 * equal, the next one last.
 */
class Comparison {
  readonly #pending: unknown[] = []
  readonly #exactness: boolean[] = []
  /** The sorted pairs of the maps met so far. Maps that are keys are met often, and sorting compares their own keys. */
  #sorted: SortedMaps | undefined

  constructor(sorted?: SortedMaps) {
    this.#sorted = sorted
  }

  run(a: unknown, b: unknown, exact: boolean): Order {
    this.#push(a, b, exact)
    while (this.#exactness.length > 0) {
      const isExact = this.#exactness.pop()!
      const right = this.#pending.pop()
      const left = this.#pending.pop()
      const order = this.#step(left, right, isExact)
      if (order !== 0) return order
    }
    return 0
  }

  #push(a: unknown, b: unknown, exact: boolean): void {
    if (a === b && typeof a !== 'number') return
    this.#pending.push(a, b)
    this.#exactness.push(exact)
  }

  #pushAll(a: ArrayLike<unknown>, b: ArrayLike<unknown>, length: number, exact: boolean): void {
    for (let i = length - 1; i >= 0; i--) this.#push(a[i], b[i], exact)
  }

  #step(a: unknown, b: unknown, exact: boolean): Order {
    const aKind = requireKind(a)
    const bKind = requireKind(b)
    const byRank = orderOf(rankOf(aKind), rankOf(bKind))
    if (byRank !== 0) return byRank
    switch (aKind) {
      case KIND.INTEGER:
      case KIND.FLOAT:
        return compareNumbers(a, aKind, b, bKind, exact)
      case KIND.ATOM:
        return compareAtoms(asAtom(a), asAtom(b))
      case KIND.REFERENCE:
        return compareReferences(a as Reference, b as Reference)
      case KIND.PORT:
        return comparePorts(a as Port, b as Port)
      case KIND.PID:
        return comparePids(a as Pid, b as Pid)
      case KIND.BITS:
        return compareBits(a, b)
      case KIND.NIL:
        return 0
      case KIND.FUN:
      case KIND.EXPORT:
        return this.#funs(a, aKind, b, bKind, exact)
      case KIND.TUPLE:
        return this.#tuples(a as ArrayLike<unknown>, b as ArrayLike<unknown>, exact)
      case KIND.RECORD:
        return this.#records(a as RecordTerm, b as RecordTerm, exact)
      case KIND.LIST:
        return this.#lists(a, b, exact)
      case KIND.MAP:
        return this.#maps(this.#pairsOf(a), this.#pairsOf(b), exact)
    }
  }

  #pairsOf(map: unknown): readonly Pair[] {
    this.#sorted ??= new Map()
    let pairs = this.#sorted.get(map)
    if (pairs === undefined) {
      pairs = sortPairs(mapPairs(map), this.#sorted)
      this.#sorted.set(map, pairs)
    }
    return pairs
  }

  #funs(a: unknown, aKind: Kind, b: unknown, bKind: Kind, exact: boolean): Order {
    if (aKind !== bKind) return aKind === KIND.FUN ? -1 : 1
    if (aKind === KIND.EXPORT) return compareExports(a as ExportFun, b as ExportFun)
    const left = a as Fun
    const right = b as Fun
    const order = compareFuns(left, right)
    if (order === 0) this.#pushAll(left.free, right.free, left.free.length, exact)
    return order
  }

  #tuples(a: ArrayLike<unknown>, b: ArrayLike<unknown>, exact: boolean): Order {
    const order = orderOf(a.length, b.length)
    if (order === 0) this.#pushAll(a, b, a.length, exact)
    return order
  }

  #records(a: RecordTerm, b: RecordTerm, exact: boolean): Order {
    const order =
      compareAtoms(a.module, b.module) ||
      compareAtoms(a.name, b.name) ||
      orderOf(Number(a.exported), Number(b.exported)) ||
      orderOf(a.fields.length, b.fields.length)
    if (order !== 0) return order
    this.#pushAll(a.values, b.values, a.values.length, exact)
    this.#pushAll(a.fields, b.fields, a.fields.length, exact)
    return 0
  }

  /** Element by element; where one list ends, its tail stands against the rest of the other. */
  #lists(a: unknown, b: unknown, exact: boolean): Order {
    const left = itemsOf(a)
    const right = itemsOf(b)
    const common = Math.min(left.length, right.length)
    this.#push(restOf(a, left, common), restOf(b, right, common), exact)
    this.#pushAll(left, right, common, exact)
    return 0
  }

  /** Sizes, then the sorted keys, always exactly, then the values in the order of the keys. */
  #maps(a: readonly Pair[], b: readonly Pair[], exact: boolean): Order {
    const order = orderOf(a.length, b.length)
    if (order !== 0) return order
    for (let i = 0; i < a.length; i++) {
      const byKey = new Comparison(this.#sorted).run(a[i]![0], b[i]![0], true)
      if (byKey !== 0) return byKey
    }
    for (let i = a.length - 1; i >= 0; i--) this.#push(a[i]![1], b[i]![1], exact)
    return 0
  }
}

/** What is left of a list behind its first `from` elements. */
function restOf(list: unknown, items: readonly unknown[], from: number): unknown {
  if (!(list instanceof ImproperList)) return from === items.length ? NIL : items.slice(from)
  return from === items.length ? list.tail : new ImproperList(items.slice(from), list.tail)
}

function sortPairs(pairs: Pair[], sorted: SortedMaps): Pair[] {
  return pairs.sort(([a], [b]) => new Comparison(sorted).run(a, b, true))
}

/** Sorts pairs by key in exact term order, in which 1 and 1.0 differ, in place. @internal */
export function sortByKey(pairs: [unknown, unknown][]): [unknown, unknown][] {
  return sortPairs(pairs, new Map())
}

/**
 * Erlang's order of terms, as `<` and `==` see it: `1` and `1.0` are equal.
 *
 * @throws EncodeError when a value is no term.
 * @example
 * [tuple(2), 'b', atom('a'), 1].sort(compareTerms) // [1, :a, {2}, 'b']
 */
export function compareTerms(a: Encodable, b: Encodable): Order {
  return new Comparison().run(a, b, false)
}

/**
 * Whether two terms are equal as `=:=` sees it: `1` and `1.0` differ, and so do `0.0` and `-0.0`, as from OTP 27 on.
 *
 * @throws EncodeError when a value is no term.
 * @example
 * termEquals(tuple('a', [1]), tuple('a', [1])) // true
 * termEquals(1, float(1)) // false
 */
export function termEquals(a: Encodable, b: Encodable): boolean {
  return new Comparison().run(a, b, true) === 0
}

/** Tuples (protocol.md 5.1, SMALL_TUPLE_EXT and LARGE_TUPLE_EXT). */
import { INSPECT } from './custom-inspect.ts'
import type { Term, TupleOf } from './term.ts'

/**
 * An Erlang tuple: `tuple[0]`, `length`, iterable; not an array, so that it is told from a list.
 *
 * `Tuple<[Atom<'ok'>, number]>` is typed element by element; `Tuple` alone is a tuple of any terms.
 */
export type Tuple<E extends readonly unknown[] = readonly Term[]> = TupleOf<E>

interface TupleConstructor {
  /** A tuple of the elements of a list. */
  new <E extends readonly unknown[]>(elements: readonly [...E]): Tuple<E>
  readonly prototype: Tuple
}

function ownArguments(..._elements: unknown[]): object {
  // biome-ignore lint/complexity/noArguments: see makeTuple
  return arguments
}

/** Longest list that is passed as arguments; longer ones would take too much of the stack. */
const MAX_ARGUMENTS = 64

class TupleClass {
  declare readonly length: number
  readonly [index: number]: unknown

  constructor(elements: readonly unknown[]) {
    // biome-ignore lint/correctness/noConstructorReturn: see makeTuple
    return makeTuple(elements) as unknown as TupleClass
  }

  toArray(): unknown[] {
    return Array.prototype.slice.call(this)
  }

  toString(): string {
    return `{${this.toArray().join(', ')}}`
  }

  toJSON(): unknown[] {
    return this.toArray()
  }

  [INSPECT](
    depth: number | null,
    options: object,
    inspect: (value: unknown, options: object) => string,
  ): string {
    // Node leaves it to us to stop at the depth that `options` ask for.
    if (depth !== null && depth < 0) return '{...}'
    const inner = { ...options, depth: depth === null ? null : depth - 1 }
    const elements = this.toArray().map((element) => inspect(element, inner))
    return `{${elements.join(', ')}}`
  }
}

Object.defineProperty(TupleClass, 'name', { value: 'Tuple' })

/**
 * The class of all tuples, for `instanceof`; `tuple()` makes them.
 *
 * @example
 * const reply = decode(encode(tuple(atom('ok'), 5)))
 * reply instanceof Tuple && reply[1] // 5
 */
export const Tuple = TupleClass as unknown as TupleConstructor

/** Gives an `arguments` object our prototype; see makeTuple. */
function adopt(elements: object): Tuple {
  // A fifth faster than Object.setPrototypeOf, and most of what a tuple takes.
  Reflect.setPrototypeOf(elements, TupleClass.prototype)
  return elements as Tuple
}

/**
 * The tuple of these elements; the way the decoder makes one.
 *
 * A short tuple is an `arguments` object with our prototype: V8 gives that exactly the slots it needs. Storing
 * elements into a fresh object instead reserves 17 slots at the first store, which takes twice the time and more than
 * twice the memory for a pair or a triple. It brings `length` and iteration along.
 *
 * @internal
 */
export function makeTuple(elements: readonly unknown[]): Tuple {
  if (elements.length <= MAX_ARGUMENTS) return adopt(ownArguments.apply(undefined, elements as unknown[]))
  const made = Object.create(TupleClass.prototype) as { [index: number]: unknown }
  for (let i = 0; i < elements.length; i++) made[i] = elements[i]
  Object.defineProperty(made, 'length', { value: elements.length })
  Object.defineProperty(made, Symbol.iterator, { value: Array.prototype.values })
  return made as unknown as Tuple
}

/** Pairs, triples and fours, which most tuples are, without a list of elements in between. @internal */
export function makePair(a: unknown, b: unknown): Tuple {
  return adopt(ownArguments(a, b))
}

/** @internal */
export function makeTriple(a: unknown, b: unknown, c: unknown): Tuple {
  return adopt(ownArguments(a, b, c))
}

/** @internal */
export function makeFour(a: unknown, b: unknown, c: unknown, d: unknown): Tuple {
  return adopt(ownArguments(a, b, c, d))
}

/**
 * A tuple, typed element by element.
 *
 * @example
 * const message: Tuple<[Atom<'add'>, number]> = tuple(atom('add'), 5) // {:add, 5}
 * message[1] + 1 // 6
 */
export function tuple<E extends readonly unknown[]>(...elements: E): Tuple<E> {
  return makeTuple(elements) as unknown as Tuple<E>
}

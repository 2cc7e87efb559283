/** Containers while the reader is inside them. */
import { LARGE_TUPLE_EXT, LIST_EXT, MAP_EXT, RECORD_EXT, SMALL_TUPLE_EXT } from './tags.ts'
import { Atom } from './terms/atom.ts'
import type { RecordTerm, Term } from './terms/term.ts'
import { ImproperList } from './terms/term.ts'

/** A container that is being read without recursion. */
export interface OpenContainer {
  readonly tag: number
  /** Where its tag is. */
  readonly at: number
  /** How many terms still belong to it; of a list the tail too. */
  left: number
  readonly items: Term[]
  /** Of a record: makes it from its values. */
  readonly record: ((values: Term[]) => RecordTerm) | undefined
}

/** Whether a term with this tag holds others, one after another. */
export function isContainerTag(tag: number | undefined): tag is number {
  switch (tag) {
    case SMALL_TUPLE_EXT:
    case LARGE_TUPLE_EXT:
    case LIST_EXT:
    case MAP_EXT:
    case RECORD_EXT:
      return true
    default:
      return false
  }
}

/** Whether a `Map` finds this key by value. */
export function isPlainKey(key: Term): boolean {
  return typeof key !== 'object' || key === null || key instanceof Atom
}

/** The list of these elements that ends in `tail`, which LIST_EXT itself did not make. */
export function withTail(items: Term[], tail: Term): Term {
  if (Array.isArray(tail)) {
    for (const item of tail) items.push(item)
    return items
  }
  return items.length === 0 ? tail : new ImproperList(items, tail)
}

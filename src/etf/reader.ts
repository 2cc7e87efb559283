/**
 * Terms out of received bytes (protocol.md 5.1, 5.3): every tag but those around a whole term.
 *
 * Trusts nothing: each length is held against the bytes that are left before anything is made of it, containers grow
 * as their elements arrive, and nesting is bounded. Whatever the bytes, the outcome is a term or a `DecodeError`.
 * FUN_EXT and LOCAL_EXT are refused: the one is dead, the other means nothing outside the VM that wrote it.
 */

import { describeError } from '../core/index.ts'
import type { DecodeError } from './errors.ts'
import { FunReader } from './fun-reader.ts'
import { addProperty, keyText, pairsOf, toObject, toStruct } from './map-forms.ts'
import { isContainerTag, isPlainKey, type OpenContainer, withTail } from './open-container.ts'
import { type DecodeOptions, resolveLimits } from './options.ts'
import { resolveStructs, type StructRegistry } from './structs.ts'
import {
  ATOM_CACHE_REF,
  BINARY_EXT,
  INTEGER_EXT,
  LARGE_TUPLE_EXT,
  LIST_EXT,
  MAP_EXT,
  MAX_TUPLE_ARITY,
  NEW_FLOAT_EXT,
  NEW_FUN_EXT,
  NEW_PID_EXT,
  NEWER_REFERENCE_EXT,
  NIL_EXT,
  RECORD_EXT,
  SMALL_ATOM_UTF8_EXT,
  SMALL_INTEGER_EXT,
  SMALL_TUPLE_EXT,
} from './tags.ts'
import type { Atom } from './terms/atom.ts'
import type { Fun, Term, TermObject } from './terms/term.ts'
import { TermMap } from './terms/term-map.ts'
import { makeFour, makePair, makeTriple, makeTuple } from './terms/tuple.ts'

const NO_BYTES = new Uint8Array(0)

/** Levels that are read by plain recursion, which is fastest; deeper ones go through a stack of our own. */
const MAX_RECURSION = 200

/** Maps as keys of maps, and funs in funs, this deep at most: nobody nests them, and comparing them recurses. */
const MAX_VERBATIM = 32

/**
 * Reads tagged terms, without the leading version byte, one after another.
 *
 * One instance serves a connection for good: `reset` gives it the next bytes. Large binaries are views into those
 * bytes. Not part of the stable API. @internal
 */
export class TermReader extends FunReader {
  readonly #objects: boolean
  readonly #structs: StructRegistry | undefined
  readonly #maxDepth: number
  readonly #maxRecursion: number
  #depth = 0

  constructor(options: DecodeOptions = {}) {
    const limits = resolveLimits(options.limits)
    super(options, limits)
    this.#objects = options.maps === 'object'
    this.#structs = resolveStructs(options.structs)
    this.#maxDepth = limits.depth
    this.#maxRecursion = Math.min(limits.depth, MAX_RECURSION)
  }

  /**
   * Continues at `offset` in other bytes, of which only those from `start` to `end` are read. `atoms` are the atom
   * references of a distribution frame.
   */
  reset(bytes: Uint8Array, offset = 0, atoms?: readonly Atom[], start = 0, end = bytes.length): void {
    this.bytes = bytes
    this.start = start
    this.end = end
    this.offset = offset
    this.atoms = atoms
    this.elements = 0
  }

  /** Lets go of the bytes, and counts new atoms from the beginning again unless the budget is shared. */
  release(): void {
    this.reset(NO_BYTES)
    this.renewBudget()
  }

  /**
   * The term at `offset`, which moves behind it.
   *
   * @throws DecodeError; `offset` is then anywhere, and the reader must be reset before it is used again.
   */
  readTerm(): Term {
    this.#depth = 0
    this.verbatim = 0
    return this.#read()
  }

  /** The tags that most terms begin with; small enough for the compiler to put it where it is called. */
  #read(): Term {
    const { bytes, offset, end } = this
    if (offset >= end) return this.#readRare()
    switch (bytes[offset]) {
      case SMALL_INTEGER_EXT:
        if (offset + 2 > end) break
        this.offset = offset + 2
        return bytes[offset + 1]!
      case INTEGER_EXT:
        if (offset + 5 > end) break
        this.offset = offset + 5
        return (
          (bytes[offset + 1]! << 24) |
          (bytes[offset + 2]! << 16) |
          (bytes[offset + 3]! << 8) |
          bytes[offset + 4]!
        )
      case BINARY_EXT:
        this.offset = offset + 1
        return this.readBinary()
      case SMALL_ATOM_UTF8_EXT:
        return this.readSmallAtom().term
      case ATOM_CACHE_REF:
        this.offset = offset + 1
        return this.readCachedAtom().term
      case SMALL_TUPLE_EXT:
        this.offset = offset + 1
        return this.#readTuple(SMALL_TUPLE_EXT)
      case NEW_PID_EXT:
        this.offset = offset + 1
        return this.readNewPid()
      case NEWER_REFERENCE_EXT:
        this.offset = offset + 1
        return this.readNewerReference()
      case LIST_EXT:
        this.offset = offset + 1
        return this.#readList()
      case NIL_EXT:
        this.offset = offset + 1
        return []
      case MAP_EXT:
        this.offset = offset + 1
        return this.#readMap()
      case NEW_FLOAT_EXT:
        this.offset = offset + 1
        return this.readFloat()
    }
    return this.#readRare()
  }

  /** All other tags, and the ends of truncated terms. */
  #readRare(): Term {
    const at = this.take(1)
    const tag = this.bytes[at]
    switch (tag) {
      case LARGE_TUPLE_EXT:
        return this.#readTuple(LARGE_TUPLE_EXT)
      case NEW_FUN_EXT:
        return this.#readFun()
      case RECORD_EXT:
        return this.#readRecord()
      default:
        return this.readLeaf(tag, at)
    }
  }

  #readTuple(tag: number): Term {
    if (this.#depth >= this.#maxRecursion) return this.#readDeep(tag)
    const arity = this.#readArity(tag)
    this.#depth++
    const made = this.#readElements(arity)
    this.#depth--
    return made
  }

  #readElements(arity: number): Term {
    switch (arity) {
      case 2:
        return makePair(this.#read(), this.#read())
      case 3:
        return makeTriple(this.#read(), this.#read(), this.#read())
      case 4:
        return makeFour(this.#read(), this.#read(), this.#read(), this.#read())
      default:
        return makeTuple(this.#readItems(this.newItems(arity), 0, arity))
    }
  }

  #readArity(tag: number): number {
    if (tag === SMALL_TUPLE_EXT) {
      const arity = this.readU8()
      this.charge(arity)
      return arity
    }
    const arity = this.readCount(1)
    if (arity <= MAX_TUPLE_ARITY) return arity
    const problem = `a tuple has at most ${MAX_TUPLE_ARITY} elements, this one ${arity}`
    throw this.fail('ERR_ETF_TUPLE', problem, this.offset - 4)
  }

  /** Puts the next `count` terms into `items`, from index `at` on. */
  #readItems(items: Term[], at: number, count: number): Term[] {
    const end = at + count
    for (let i = at; i < end; i++) items[i] = this.#read()
    return items
  }

  /** LIST_EXT: count (u32), elements, tail. A tail that is a list again continues the same list. */
  #readList(): Term {
    if (this.#depth >= this.#maxRecursion) return this.#readDeep(LIST_EXT)
    this.#depth++
    let count = this.readCount(1)
    const items = this.#readItems(this.newItems(count), 0, count)
    for (;;) {
      const tag = this.peek()
      if (tag !== NIL_EXT && tag !== LIST_EXT) break
      this.offset++
      if (tag === NIL_EXT) {
        this.#depth--
        return items
      }
      count = this.readCount(1)
      this.#readItems(items, items.length, count)
    }
    const tail = this.#read()
    this.#depth--
    return withTail(items, tail)
  }

  /** MAP_EXT: count (u32), keys and values in turn. */
  #readMap(): Term {
    if (this.#depth >= this.#maxRecursion) return this.#readDeep(MAP_EXT)
    const at = this.offset - 1
    const count = this.readPairCount()
    this.#depth++
    const isObject = this.#objects && this.verbatim === 0 && this.#structs === undefined
    const map = isObject ? this.#readObject(count, at) : this.#readPairs(new Map(), 0, count, at)
    this.#depth--
    return map
  }

  /** Pairs from number `from` on into a map that holds those before. */
  #readPairs(map: Map<Term, Term>, from: number, count: number, at: number): Term {
    for (let i = from; i < count; i++) {
      const key = this.#readKey()
      // A TermMap only when it must be: it takes several times as long.
      if (!isPlainKey(key) && !(map instanceof TermMap)) map = new TermMap(map)
      map.set(key, this.#read())
    }
    return this.#finishMap(map, count, at)
  }

  /** Pairs straight into an object; into a map after all when the keys turn out not to be all atoms or all strings. */
  #readObject(count: number, at: number): Term {
    const object: TermObject = {}
    let strings = false
    for (let i = 0; i < count; i++) {
      const key = this.#readKey()
      const text = keyText(key)
      if (text === undefined || (i > 0 && strings !== (typeof key === 'string'))) {
        const map = new TermMap(pairsOf(object, strings))
        map.set(key, this.#read())
        return this.#readPairs(map, i + 1, count, at)
      }
      strings = typeof key === 'string'
      if (!addProperty(object, text, this.#read())) throw this.#duplicateKey(at)
    }
    return object
  }

  #readKey(): Term {
    // What most keys are, and the same inside and outside of keys.
    if (this.peek() === SMALL_ATOM_UTF8_EXT) return this.readSmallAtom().term
    this.#enterVerbatim()
    const key = this.#read()
    this.verbatim--
    return key
  }

  #enterVerbatim(): void {
    if (++this.verbatim <= MAX_VERBATIM) return
    const problem = `maps in keys of maps, or funs in funs, more than ${MAX_VERBATIM} levels deep`
    throw this.fail('ERR_ETF_DEPTH', problem, this.offset)
  }

  #finishMap(map: Map<Term, Term>, count: number, at: number): Term {
    if (map.size !== count) throw this.#duplicateKey(at)
    if (this.verbatim > 0) return map
    if (this.#structs !== undefined) {
      const instance = this.#toStruct(map, this.#structs, at)
      if (instance !== undefined) return instance
    }
    return this.#objects ? (toObject(map) ?? map) : map
  }

  #duplicateKey(at: number): DecodeError {
    return this.fail('ERR_ETF_DUPLICATE_KEY', 'a map has one key twice', at)
  }

  #toStruct(map: Map<Term, Term>, structs: StructRegistry, at: number): Term | undefined {
    try {
      // The instance is of a class that the user registered, and typed by RegisteredTypes there.
      return toStruct(map, structs) as Term | undefined
    } catch (cause) {
      const problem = `the struct was refused: ${describeError(cause)}`
      throw this.fail('ERR_ETF_STRUCT', problem, at, { cause })
    }
  }

  /** RECORD_EXT: count (u32), flags (u8), module, name, that many field names, that many values. */
  #readRecord(): Term {
    if (this.#depth >= this.#maxRecursion) return this.#readDeep(RECORD_EXT)
    const open = this.#open(RECORD_EXT)
    this.#depth++
    while (open.left-- > 0) open.items.push(this.#read())
    this.#depth--
    return this.#close(open)
  }

  #readFun(): Fun {
    const at = this.offset - 1
    const { count, make } = this.readFunHead()
    if (this.#depth >= this.#maxDepth) throw this.#tooDeep(at)
    this.#enterVerbatim()
    const free: Term[] = []
    this.#depth++
    for (let i = 0; i < count; i++) free.push(this.#read())
    this.#depth--
    this.verbatim--
    return make(free)
  }

  /** Reads a container, whose tag was just read, and all in it with a stack of our own instead of recursion. */
  #readDeep(tag: number): Term {
    const stack: OpenContainer[] = []
    const depth = this.#depth
    this.#push(stack, this.#open(tag))
    for (;;) {
      let top = stack[stack.length - 1]!
      while (top.left === 0) {
        stack.pop()
        const value = this.#close(top)
        const parent = stack[stack.length - 1]
        if (parent === undefined) return value
        this.#attach(parent, value)
        top = parent
      }
      const next = this.peek()
      if (!isContainerTag(next)) {
        // A fun holds containers again, which are as deep as they are.
        this.#depth = depth + stack.length
        const value = this.#read()
        this.#depth = depth
        this.#attach(top, value)
        continue
      }
      this.offset++
      if (next === LIST_EXT && top.tag === LIST_EXT && top.left === 1) top.left += this.readCount(1)
      else this.#push(stack, this.#open(next))
    }
  }

  #open(tag: number): OpenContainer {
    const at = this.offset - 1
    const items: Term[] = []
    if (tag === LIST_EXT) return { tag, at, left: this.readCount(1) + 1, items, record: undefined }
    if (tag === MAP_EXT) return { tag, at, left: this.readPairCount() * 2, items, record: undefined }
    if (tag !== RECORD_EXT) return { tag, at, left: this.#readArity(tag), items, record: undefined }
    const { count, make } = this.readRecordHead()
    return { tag, at, left: count, items, record: make }
  }

  #push(stack: OpenContainer[], container: OpenContainer): void {
    if (this.#depth + stack.length >= this.#maxDepth) throw this.#tooDeep(container.at)
    stack.push(container)
    if (container.tag === MAP_EXT && container.left > 0) this.#enterVerbatim()
  }

  #tooDeep(at: number): DecodeError {
    const problem = `more than ${this.#maxDepth} levels of nesting; raise limits.depth if that is meant`
    return this.fail('ERR_ETF_DEPTH', problem, at)
  }

  #attach(container: OpenContainer, value: Term): void {
    container.items.push(value)
    container.left--
    if (container.tag !== MAP_EXT) return
    if (container.left % 2 === 1) this.verbatim--
    else if (container.left > 0) this.#enterVerbatim()
  }

  #close({ tag, at, items, record }: OpenContainer): Term {
    if (record !== undefined) return record(items)
    if (tag === LIST_EXT) return withTail(items, items.pop()!)
    if (tag !== MAP_EXT) return makeTuple(items)
    const plain = items.every((item, i) => i % 2 === 1 || isPlainKey(item))
    const map: Map<Term, Term> = plain ? new Map() : new TermMap()
    for (let i = 0; i < items.length; i += 2) map.set(items[i]!, items[i + 1]!)
    return this.#finishMap(map, items.length / 2, at)
  }
}

/**
 * Terms out of received bytes (protocol.md 5.1, 5.3): every tag but those around a whole term.
 *
 * Trusts nothing: each length is held against the bytes that are left before anything is made of it, containers grow
 * as their elements arrive, and nesting is bounded. Whatever the bytes, the outcome is a term or a `DecodeError`.
 * FUN_EXT and LOCAL_EXT are refused: the one is dead, the other means nothing outside the VM that wrote it.
 */

import { describeError } from '../core/index.ts'
import { takeBinary } from './binary.ts'
import { DecodeError } from './errors.ts'
import { LeafReader } from './leaf-reader.ts'
import { toObject, toStruct } from './map-forms.ts'
import { isContainerTag, isPlainKey, type OpenContainer, withTail } from './open-container.ts'
import { type DecodeOptions, resolveLimits } from './options.ts'
import { resolveStructs, type StructRegistry } from './structs.ts'
import {
  ATOM_CACHE_REF,
  ATOM_EXT,
  ATOM_UTF8_EXT,
  BINARY_EXT,
  BIT_BINARY_EXT,
  EXPORT_EXT,
  FLOAT_EXT,
  INTEGER_EXT,
  LARGE_BIG_EXT,
  LARGE_TUPLE_EXT,
  LIST_EXT,
  LOCAL_EXT,
  MAP_EXT,
  MAX_TUPLE_ARITY,
  NEW_FLOAT_EXT,
  NEW_FUN_EXT,
  NEW_PID_EXT,
  NEW_PORT_EXT,
  NEW_REFERENCE_EXT,
  NEWER_REFERENCE_EXT,
  NIL_EXT,
  PID_EXT,
  PORT_EXT,
  RECORD_EXT,
  REFERENCE_EXT,
  SMALL_ATOM_EXT,
  SMALL_ATOM_UTF8_EXT,
  SMALL_BIG_EXT,
  SMALL_INTEGER_EXT,
  SMALL_TUPLE_EXT,
  STRING_EXT,
  V4_PORT_EXT,
} from './tags.ts'
import type { Atom } from './terms/atom.ts'
import { Pid } from './terms/pid.ts'
import type { Term } from './terms/term.ts'
import { Fun, RecordTerm } from './terms/term.ts'
import { TermMap } from './terms/term-map.ts'
import { makeFour, makePair, makeTriple, makeTuple } from './terms/tuple.ts'

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
export class TermReader extends LeafReader {
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

  /** Continues in other bytes. `atoms` are the atom references of a distribution frame. */
  reset(bytes: Uint8Array, offset = 0, atoms?: readonly Atom[]): void {
    this.bytes = bytes
    this.end = bytes.length
    this.offset = offset
    this.atoms = atoms
    this.elements = 0
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

  #read(): Term {
    const at = this.take(1)
    switch (this.bytes[at]) {
      case ATOM_CACHE_REF:
        return this.readCachedAtom().term
      case SMALL_INTEGER_EXT:
        return this.readU8()
      case SMALL_ATOM_UTF8_EXT:
        return this.readAtomText(this.readU8()).term
      case BINARY_EXT:
        return this.readBinary()
      case SMALL_TUPLE_EXT:
        return this.#readTuple(SMALL_TUPLE_EXT)
      case LIST_EXT:
        return this.#readList()
      case NIL_EXT:
        return []
      case INTEGER_EXT:
        return this.readI32()
      case MAP_EXT:
        return this.#readMap()
      case NEW_PID_EXT:
        return this.readNewPid()
      case NEWER_REFERENCE_EXT:
        return this.readNewerReference()
      case NEW_FLOAT_EXT:
        return this.readFloat()
      case STRING_EXT:
        return this.readByteList()
      case SMALL_BIG_EXT:
        return this.readBig(this.readU8())
      case LARGE_BIG_EXT:
        return this.readBig(this.readU32())
      case LARGE_TUPLE_EXT:
        return this.#readTuple(LARGE_TUPLE_EXT)
      case ATOM_UTF8_EXT:
        return this.readAtomText(this.readU16()).term
      case SMALL_ATOM_EXT:
        return this.readLatin1Atom(this.readU8()).term
      case ATOM_EXT:
        return this.readLatin1Atom(this.readU16()).term
      case BIT_BINARY_EXT:
        return this.readBits()
      case EXPORT_EXT:
        return this.readExport()
      case NEW_FUN_EXT:
        return this.#readFun()
      case V4_PORT_EXT:
        return this.readV4Port()
      case NEW_PORT_EXT:
        return this.readNewPort()
      case PORT_EXT:
        return this.readOldPort()
      case PID_EXT:
        return this.readOldPid()
      case NEW_REFERENCE_EXT:
        return this.readNewReference()
      case REFERENCE_EXT:
        return this.readOldReference()
      case RECORD_EXT:
        return this.#readRecord()
      case FLOAT_EXT:
        return this.readTextFloat()
      case LOCAL_EXT:
        throw this.fail('ERR_ETF_LOCAL', 'LOCAL_EXT means something only to the VM that wrote it', at)
      default:
        throw this.fail('ERR_ETF_UNKNOWN_TAG', 'no term begins with this byte', at)
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
      default: {
        const elements: Term[] = []
        for (let i = 0; i < arity; i++) elements.push(this.#read())
        return makeTuple(elements)
      }
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

  /** LIST_EXT: count (u32), elements, tail. A tail that is a list again continues the same list. */
  #readList(): Term {
    if (this.#depth >= this.#maxRecursion) return this.#readDeep(LIST_EXT)
    const items: Term[] = []
    this.#depth++
    for (;;) {
      const count = this.readCount(1)
      for (let i = 0; i < count; i++) items.push(this.#read())
      const tag = this.bytes[this.offset]
      if (tag !== NIL_EXT && tag !== LIST_EXT) break
      this.offset++
      if (tag === LIST_EXT) continue
      this.#depth--
      return items
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
    let map = new Map<Term, Term>()
    let plain = true
    for (let i = 0; i < count; i++) {
      this.#enterVerbatim()
      const key = this.#read()
      this.verbatim--
      if (plain && !isPlainKey(key)) {
        plain = false
        map = new TermMap(map)
      }
      map.set(key, this.#read())
    }
    this.#depth--
    return this.#finishMap(map, count, at)
  }

  #enterVerbatim(): void {
    if (++this.verbatim <= MAX_VERBATIM) return
    const problem = `maps in keys of maps, or funs in funs, more than ${MAX_VERBATIM} levels deep`
    throw this.fail('ERR_ETF_DEPTH', problem, this.offset)
  }

  #finishMap(map: Map<Term, Term>, count: number, at: number): Term {
    if (map.size !== count) throw this.fail('ERR_ETF_DUPLICATE_KEY', 'a map has one key twice', at)
    if (this.verbatim > 0) return map
    if (this.#structs !== undefined) {
      const instance = this.#toStruct(map, this.#structs, at)
      if (instance !== undefined) return instance
    }
    return this.#objects ? (toObject(map) ?? map) : map
  }

  #toStruct(map: Map<Term, Term>, structs: StructRegistry, at: number): Term | undefined {
    try {
      // The instance is of a class that the user registered, and typed by RegisteredTypes there.
      return toStruct(map, structs) as Term | undefined
    } catch (cause) {
      const problem = `the struct was refused: ${describeError(cause)}`
      throw new DecodeError('ERR_ETF_STRUCT', problem, this.bytes, at, { cause })
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

  #readRecordHeader(): { count: number; make: (values: Term[]) => RecordTerm } {
    const count = this.readCount(3)
    const flags = this.readU8()
    if (flags > 1) throw this.fail('ERR_ETF_RECORD', `unknown flags ${flags} of a record`, this.offset - 1)
    const module = this.readAtom()
    const name = this.readAtom()
    const fields: Atom[] = []
    for (let i = 0; i < count; i++) fields.push(this.readAtom())
    return { count, make: (values) => new RecordTerm(module, name, flags === 1, fields, values) }
  }

  /**
   * NEW_FUN_EXT: size (u32), arity (u8), uniq (16 bytes), index (u32), count of free variables (u32), module,
   * old index, old uniq, pid, free variables. The size is not used: old releases get it wrong.
   */
  #readFun(): Fun {
    this.take(4)
    const arity = this.readU8()
    const at = this.take(16)
    const uniq = takeBinary(this.bytes, at, at + 16)
    const index = this.readU32()
    const count = this.readCount(1)
    const module = this.readAtom()
    const oldIndex = this.#readFunInteger()
    const oldUniq = this.#readFunInteger()
    const pidAt = this.offset
    this.#enterVerbatim()
    const pid = this.#read()
    if (!(pid instanceof Pid)) throw this.fail('ERR_ETF_FUN', 'expected the pid of a fun', pidAt)
    const free: Term[] = []
    for (let i = 0; i < count; i++) free.push(this.#read())
    this.verbatim--
    return new Fun({ arity, uniq, index, module, oldIndex, oldUniq, pid, free })
  }

  #readFunInteger(): number {
    const at = this.take(1)
    const tag = this.bytes[at]
    if (tag === SMALL_INTEGER_EXT) return this.readU8()
    if (tag === INTEGER_EXT) return this.readI32()
    const value = tag === SMALL_BIG_EXT ? this.readBig(this.readU8()) : undefined
    if (typeof value !== 'number') throw this.fail('ERR_ETF_FUN', 'expected an integer of a fun', at)
    return value
  }

  /** Reads a container, whose tag was just read, and all in it with a stack of our own instead of recursion. */
  #readDeep(tag: number): Term {
    const stack: OpenContainer[] = []
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
      const next = this.bytes[this.offset]
      if (!isContainerTag(next)) {
        this.#attach(top, this.#read())
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
    const { count, make } = this.#readRecordHeader()
    return { tag, at, left: count, items, record: make }
  }

  #push(stack: OpenContainer[], container: OpenContainer): void {
    if (this.#depth + stack.length >= this.#maxDepth) {
      const problem = `more than ${this.#maxDepth} levels of nesting; raise limits.depth if that is meant`
      throw this.fail('ERR_ETF_DEPTH', problem, container.at)
    }
    stack.push(container)
    if (container.tag === MAP_EXT && container.left > 0) this.#enterVerbatim()
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

/**
 * Terms into a growing buffer (protocol.md 5.1, 5.2): every tag that a node of OTP 25 to 29 wants to see, except those
 * around a whole term.
 */
import { type ByteWriter, describeError } from '../core/index.ts'
import { sortByKey } from './compare.ts'
import { ContainerWriter, changed } from './container-writer.ts'
import { EncodeError } from './errors.ts'
import { isPlainObject, notATerm } from './kinds.ts'
import { locate } from './locate.ts'
import { checkKeys } from './map-keys.ts'
import { type EncodeOptions, resolveLimits } from './options.ts'
import { LIST_EXT, MAP_EXT, NEW_FUN_EXT, NIL_EXT } from './tags.ts'
import { Atom, atom } from './terms/atom.ts'
import { BitString } from './terms/bit-string.ts'
import { ExportFun } from './terms/export-fun.ts'
import { Float } from './terms/float.ts'
import { Pid } from './terms/pid.ts'
import { Port } from './terms/port.ts'
import { Reference } from './terms/reference.ts'
import type { Encodable } from './terms/term.ts'
import { Fun, ImproperList, RecordTerm } from './terms/term.ts'
import { Tuple } from './terms/tuple.ts'

/** Levels that are written by plain recursion, which is fastest; deeper ones go through a stack of our own. */
const MAX_RECURSION = 200

/** Maps as keys of maps, and funs in funs, this deep at most; the reader has the same bound. */
const MAX_VERBATIM = 32

/**
 * Virtual machines before erts 13.1.3 mistake a map that is a key of a map with more pairs than this, unless the pairs
 * of the key are sorted.
 */
const LARGE_MAP = 32

function unreadable(term: unknown, cause: unknown): EncodeError {
  const problem = `reading the value failed: ${describeError(cause)}`
  return new EncodeError('ERR_ETF_UNREADABLE', problem, term, [], { cause })
}

const hasOwn = Object.prototype.hasOwnProperty

const TRUE = atom('true')
const FALSE = atom('false')
const NIL = atom('nil')

/** A container whose head is written, with what goes into it, when that is done without recursion. */
class OpenContainer {
  readonly container: object
  readonly values: ArrayLike<unknown>
  /** How many were announced. */
  readonly count: number
  next = 0
  /** Values are keys and values in turn. */
  readonly pairs: boolean
  /** A proper list, which ends in NIL_EXT. */
  readonly proper: boolean

  constructor(container: object, values: ArrayLike<unknown>, pairs: boolean, proper: boolean) {
    this.container = container
    this.values = values
    this.count = values.length
    this.pairs = pairs
    this.proper = proper
  }
}

/**
 * Writes tagged terms, without the leading version byte, to the end of a growing buffer.
 *
 * One instance serves a connection for good. Not part of the stable API. @internal
 */
export class TermWriter extends ContainerWriter {
  readonly #maxDepth: number
  readonly #maxRecursion: number
  readonly #deterministic: boolean
  #depth = 0
  #verbatim = 0
  /** How many tuples are open. Where all that is open is tuples, no getter has made what is in them. */
  #tuples = 0
  /** Whether pairs of maps are sorted here. */
  #sorted: boolean

  constructor(out: ByteWriter, options: EncodeOptions = {}) {
    super(out, options)
    this.#maxDepth = resolveLimits(options.limits).depth
    this.#maxRecursion = Math.min(this.#maxDepth, MAX_RECURSION)
    this.#deterministic = options.deterministic === true
    this.#sorted = this.#deterministic
  }

  /**
   * Appends a term.
   *
   * @throws EncodeError that names the way to the value that is no term. The buffer then ends in a broken term: set its
   *   `length` back.
   */
  writeTerm(term: Encodable): void {
    this.#depth = 0
    this.#verbatim = 0
    this.#tuples = 0
    this.#sorted = this.#deterministic
    try {
      this.#write(term)
    } catch (error) {
      // The compiler lets only terms through; what else fails here is a getter, or a part of a value that is none.
      throw locate(term, error instanceof EncodeError ? error : unreadable(term, error), this.structs)
    }
  }

  #write(value: unknown): void {
    switch (typeof value) {
      case 'object':
        if (value === null) this.writeAtom(NIL)
        else this.#writeObject(value)
        return
      case 'number':
        this.writeNumber(value)
        return
      case 'string':
        this.writeString(value)
        return
      case 'boolean':
        this.writeAtom(value ? TRUE : FALSE)
        return
      case 'undefined':
        this.writeAtom(NIL)
        return
      case 'bigint':
        this.writeBigint(value)
        return
      default:
        throw notATerm(value)
    }
  }

  #writeObject(value: object): void {
    if (value instanceof Atom) this.writeAtom(value)
    else if (value instanceof Tuple) this.#writeTuple(value)
    else if (Array.isArray(value)) this.#writeList(value)
    else if (value instanceof Pid) this.writePid(value)
    else if (value instanceof Map) this.#writeMap(value)
    else if (value instanceof Uint8Array) this.writeBinary(value, this.#tuples === this.#depth)
    else if (value instanceof Reference) this.writeReference(value)
    // The tag of every reply is one.
    else if (value instanceof ImproperList) this.#writeImproperList(value)
    else if (isPlainObject(value)) this.#writePlainObject(value)
    else this.#writeRare(value)
  }

  #writeRare(value: object): void {
    if (value instanceof Float) this.writeFloat(value.value)
    else if (value instanceof BitString) this.writeBits(value)
    else if (value instanceof Port) this.writePort(value)
    else if (value instanceof ExportFun) this.writeExport(value)
    else if (value instanceof Fun) this.#writeFun(value)
    else if (value instanceof RecordTerm) this.#writeRecord(value)
    else this.#writeMap(this.structMap(value))
  }

  #writeTuple(value: Tuple): void {
    if (this.#depth >= this.#maxRecursion) {
      this.#writeDeep(value)
      return
    }
    const arity = value.length
    this.writeTupleHead(value, arity)
    this.#depth++
    this.#tuples++
    for (let i = 0; i < arity; i++) this.#write(value[i])
    this.#tuples--
    this.#depth--
  }

  #writeList(value: readonly unknown[]): void {
    if (this.writeFlatList(value)) return
    if (this.#depth >= this.#maxRecursion) {
      this.#writeDeep(value)
      return
    }
    const { length } = value
    this.writeHeader(LIST_EXT, length)
    this.#depth++
    for (let i = 0; i < length; i++) this.#write(value[i])
    this.#depth--
    if (value.length !== length) throw changed(value)
    this.writeU8(NIL_EXT)
  }

  #writeImproperList(value: ImproperList<unknown, unknown>): void {
    if (this.#depth >= this.#maxRecursion) {
      this.#writeDeep(value)
      return
    }
    const { length } = value.items
    this.writeHeader(LIST_EXT, length)
    this.#depth++
    for (let i = 0; i < length; i++) this.#write(value.items[i])
    if (value.items.length !== length) throw changed(value)
    this.#write(value.tail)
    this.#depth--
  }

  #writeMap(value: ReadonlyMap<unknown, unknown>): void {
    if (this.#depth >= this.#maxRecursion) {
      this.#writeDeep(value)
      return
    }
    checkKeys(value)
    const { size } = value
    this.writeHeader(MAP_EXT, size)
    this.#depth++
    const large = size > LARGE_MAP
    let left = size
    for (const [key, each] of this.#sorted ? sortByKey([...value]) : value) {
      if (left-- === 0) throw changed(value)
      this.#writeKey(key, large)
      this.#write(each)
    }
    this.#depth--
    if (left !== 0) throw changed(value)
  }

  #writeKey(key: unknown, large: boolean): void {
    if (typeof key !== 'object') {
      this.#write(key)
      return
    }
    const sorted = this.#sorted
    this.#sorted ||= large
    this.#enterVerbatim(key)
    this.#write(key)
    this.#verbatim--
    this.#sorted = sorted
  }

  #enterVerbatim(value: unknown): void {
    if (++this.#verbatim <= MAX_VERBATIM) return
    const problem = `maps in keys of maps, or funs in funs, more than ${MAX_VERBATIM} levels deep`
    throw new EncodeError('ERR_ETF_DEPTH', problem, value)
  }

  #writePlainObject(value: Readonly<Record<string, unknown>>): void {
    if (this.#depth >= this.#maxRecursion || this.#sorted) {
      this.#writeMap(this.objectMap(value))
      return
    }
    const { out } = this
    const start = out.length
    this.writeHeader(MAP_EXT, 0)
    this.#depth++
    let count = 0
    // With `for in` and hasOwnProperty in exactly this form V8 reads the properties by position, without a list of
    // names and without looking each one up: six times as fast as by Object.keys.
    for (const name in value) {
      if (!hasOwn.call(value, name)) continue
      const each = value[name]
      if (each === undefined) continue
      count++
      if (this.stringKeys) this.writeString(name)
      else this.writeAtom(this.keyAtom(name, value))
      this.#write(each)
    }
    this.#depth--
    out.view.setUint32(start + 1, count)
  }

  /** RECORD_EXT: count (u32), flags (u8), module, name, that many field names, that many values. */
  #writeRecord(value: RecordTerm): void {
    if (this.#depth >= this.#maxRecursion) {
      this.#writeDeep(value)
      return
    }
    this.writeRecordHead(value)
    this.#depth++
    const { values } = value
    const { length } = values
    for (let i = 0; i < length; i++) this.#write(values[i])
    this.#depth--
    if (values.length !== length) throw changed(value)
  }

  /**
   * NEW_FUN_EXT: size (u32), arity (u8), uniq (16 bytes), index (u32), count of free variables (u32), module,
   * old index, old uniq, pid, free variables. The size counts itself but not the tag.
   */
  #writeFun(value: Fun): void {
    const { out } = this
    if (this.#depth >= this.#maxDepth) throw this.#tooDeep(value)
    this.#enterVerbatim(value)
    this.writeU8(NEW_FUN_EXT)
    const start = out.length
    this.writeU32(0)
    this.writeU8(value.arity)
    this.writeBytes(value.uniq)
    this.writeU32(value.index)
    const { free } = value
    const { length } = free
    this.writeU32(length)
    this.writeAtom(value.module)
    this.writeNumber(value.oldIndex)
    this.writeNumber(value.oldUniq)
    this.writePid(value.pid)
    this.#depth++
    for (let i = 0; i < length; i++) this.#write(free[i])
    this.#depth--
    if (free.length !== length) throw changed(value)
    out.view.setUint32(start, out.length - start)
    this.#verbatim--
  }

  /** Writes a container and all in it with a stack of our own instead of recursion. */
  #writeDeep(root: object): void {
    const stack: OpenContainer[] = []
    // One ancestor is watched for, at a depth that doubles: what contains itself meets it within two rounds or so. That
    // takes an eighth of the time of a set of all ancestors.
    let watched: OpenContainer | undefined
    let watchedAt = 0
    const depth = this.#depth
    this.#push(stack, root)
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!
      if (top.next === top.count) {
        if (top.values.length !== top.count) throw changed(top.container)
        if (top.proper) this.writeU8(NIL_EXT)
        stack.pop()
        if (top === watched) watched = undefined
        continue
      }
      const isKey = top.pairs && top.next % 2 === 0
      const value = top.values[top.next++]
      if (isKey || !this.#isContainer(value)) {
        // A key or a fun may hold containers again, which are as deep as they are.
        this.#depth = depth + stack.length
        if (isKey) this.#writeKey(value, top.count > LARGE_MAP * 2)
        else this.#write(value)
        this.#depth = depth
      } else {
        if (value === watched?.container) {
          throw new EncodeError('ERR_ETF_DEPTH', 'the value contains itself', value)
        }
        this.#push(stack, value)
        if (watched === undefined || stack.length >= watchedAt * 2) {
          watched = stack[stack.length - 1]
          watchedAt = stack.length
        }
      }
    }
  }

  /** Whether `#push` takes this value; all others are written by one call. */
  #isContainer(value: unknown): value is object {
    if (typeof value !== 'object' || value === null) return false
    if (value instanceof Tuple || value instanceof Map || value instanceof ImproperList) return true
    if (Array.isArray(value) || value instanceof RecordTerm || isPlainObject(value)) return true
    return this.structs?.byType.has(value.constructor) === true
  }

  #push(stack: OpenContainer[], value: object): void {
    if (Array.isArray(value) && this.writeFlatList(value)) return
    if (this.#depth + stack.length >= this.#maxDepth) throw this.#tooDeep(value)
    stack.push(this.#open(value))
  }

  #tooDeep(value: unknown): EncodeError {
    const problem = `more than ${this.#maxDepth} levels of nesting; raise limits.depth if that is meant`
    return new EncodeError('ERR_ETF_DEPTH', problem, value)
  }

  #open(container: object): OpenContainer {
    if (container instanceof Tuple) {
      this.writeTupleHead(container, container.length)
      return new OpenContainer(container, container, false, false)
    }
    if (Array.isArray(container)) {
      this.writeHeader(LIST_EXT, container.length)
      return new OpenContainer(container, container, false, true)
    }
    if (container instanceof ImproperList) {
      this.writeHeader(LIST_EXT, container.items.length)
      return new OpenContainer(container, [...container.items, container.tail], false, false)
    }
    if (container instanceof RecordTerm) {
      this.writeRecordHead(container)
      return new OpenContainer(container, container.values, false, false)
    }
    const map = this.mapOf(container)
    checkKeys(map)
    this.writeHeader(MAP_EXT, map.size)
    const pairs = this.#sorted ? sortByKey([...map]) : [...map]
    return new OpenContainer(container, pairs.flat(), true, false)
  }
}

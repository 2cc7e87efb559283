/** What funs and records begin with, up to the terms in them (protocol.md 5.1). */
import { copyBinary } from './binary.ts'
import { LeafReader } from './leaf-reader.ts'
import { INTEGER_EXT, NEW_PID_EXT, PID_EXT, SMALL_BIG_EXT, SMALL_INTEGER_EXT } from './tags.ts'
import type { Atom } from './terms/atom.ts'
import type { Pid } from './terms/pid.ts'
import type { Term } from './terms/term.ts'
import { Fun, RecordTerm } from './terms/term.ts'

/** How many terms follow, and what is made of them. */
export interface Head<T> {
  readonly count: number
  readonly make: (terms: Term[]) => T
}

export class FunReader extends LeafReader {
  /** RECORD_EXT: count (u32), flags (u8), module, name, that many field names; that many values follow. */
  protected readRecordHead(): Head<RecordTerm> {
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
   * old index, old uniq, pid; the free variables follow. The size is not used: old releases get it wrong.
   */
  protected readFunHead(): Head<Fun> {
    this.take(4)
    const arity = this.readU8()
    const at = this.take(16)
    const uniq = copyBinary(this.bytes, at, at + 16)
    const index = this.readU32()
    const count = this.readCount(1)
    const module = this.readAtom()
    const oldIndex = this.#readInteger()
    const oldUniq = this.#readInteger()
    const pid = this.#readPid()
    return { count, make: (free) => new Fun({ arity, uniq, index, module, oldIndex, oldUniq, pid, free }) }
  }

  #readInteger(): number {
    const at = this.take(1)
    const tag = this.bytes[at]
    if (tag === SMALL_INTEGER_EXT) return this.readU8()
    if (tag === INTEGER_EXT) return this.readI32()
    const value = tag === SMALL_BIG_EXT ? this.readBig(this.readU8()) : undefined
    if (typeof value !== 'number') throw this.fail('ERR_ETF_FUN', 'expected an integer of a fun', at)
    return value
  }

  #readPid(): Pid {
    const at = this.take(1)
    const tag = this.bytes[at]
    if (tag === NEW_PID_EXT) return this.readNewPid()
    if (tag === PID_EXT) return this.readOldPid()
    throw this.fail('ERR_ETF_FUN', 'expected the pid of a fun', at)
  }
}

/** Pids, ports and references out of received bytes, all generations of them (protocol.md 5.1). */
import { AtomReader } from './atom-reader.ts'
import { i32At } from './cursor.ts'
import type { DecodeError } from './errors.ts'
import { MAX_REFERENCE_WORDS } from './tags.ts'
import { Pid } from './terms/pid.ts'
import { Port } from './terms/port.ts'
import { Reference } from './terms/reference.ts'

const TWO_32 = 0x100000000

/** Of a number. */
const WORD_BYTES = 4

export class IdentifierReader extends AtomReader {
  /** NEW_PID_EXT: node, id (u32), serial (u32), creation (u32). */
  protected readNewPid(): Pid {
    const node = this.readAtom()
    const at = this.take(3 * WORD_BYTES)
    const { bytes } = this
    const id = i32At(bytes, at) >>> 0
    const serial = i32At(bytes, at + WORD_BYTES) >>> 0
    return new Pid(node, id, serial, i32At(bytes, at + 2 * WORD_BYTES) >>> 0)
  }

  /** PID_EXT: node, id (u32), serial (u32), creation (u8). */
  protected readOldPid(): Pid {
    const node = this.readAtom()
    const id = this.readU32()
    const serial = this.readU32()
    return new Pid(node, id, serial, this.readU8())
  }

  /** V4_PORT_EXT: node, id (u64), creation (u32). */
  protected readV4Port(): Port {
    const node = this.readAtom()
    const high = this.readU32()
    const low = this.readU32()
    const id = high < 0x200000 ? high * TWO_32 + low : (BigInt(high) << 32n) | BigInt(low)
    return new Port(node, id, this.readU32())
  }

  /** NEW_PORT_EXT: node, id (u32), creation (u32). */
  protected readNewPort(): Port {
    const node = this.readAtom()
    const id = this.readU32()
    return new Port(node, id, this.readU32())
  }

  /** PORT_EXT: node, id (u32), creation (u8). */
  protected readOldPort(): Port {
    const node = this.readAtom()
    const id = this.readU32()
    return new Port(node, id, this.readU8())
  }

  /** NEWER_REFERENCE_EXT: words (u16), node, creation (u32), words x u32. */
  protected readNewerReference(): Reference {
    const count = this.#readWordCount()
    const node = this.readAtom()
    const creation = this.readU32()
    return new Reference(node, creation, this.#readWords(count))
  }

  /** NEW_REFERENCE_EXT: words (u16), node, creation (u8), words x u32. */
  protected readNewReference(): Reference {
    const count = this.#readWordCount()
    const node = this.readAtom()
    const creation = this.readU8()
    return new Reference(node, creation, this.#readWords(count))
  }

  /** REFERENCE_EXT: node, id (u32), creation (u8). */
  protected readOldReference(): Reference {
    const node = this.readAtom()
    const word = this.readU32()
    return new Reference(node, this.readU8(), [word])
  }

  #readWordCount(): number {
    const count = this.readU16()
    if (count < 1 || count > MAX_REFERENCE_WORDS) throw this.#wrongWordCount(count)
    return count
  }

  #wrongWordCount(count: number): DecodeError {
    const problem = `a reference has 1 to ${MAX_REFERENCE_WORDS} words, this one ${count}`
    return this.fail('ERR_ETF_REFERENCE', problem, this.offset - 2)
  }

  #readWords(count: number): number[] {
    const at = this.take(count * WORD_BYTES)
    const { bytes } = this
    const words: number[] = new Array(count)
    for (let i = 0; i < count; i++) words[i] = i32At(bytes, at + i * WORD_BYTES) >>> 0
    return words
  }
}

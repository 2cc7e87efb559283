/**
 * A small codec that never changes, for the guard to hold the real one against: what it does is what every codec does,
 * so the ratio of the two says little about the machine and the version of Node, and much about the real one.
 *
 * One byte for the type; numbers as 64-bit floats or 32-bit integers; lengths of 32 bits; text as UTF-16; objects as
 * maps. It trusts its input, knows no options, is not tuned, and calls nothing native that may become faster.
 */

const NULL = 0
const TRUE = 1
const FALSE = 2
const INTEGER = 3
const FLOAT = 4
const TEXT = 5
const LIST = 6
const MAP = 7

export class ReferenceCodec {
  #bytes = new Uint8Array(1 << 17)
  #view = new DataView(this.#bytes.buffer)
  #at = 0

  encode(value: unknown): Uint8Array {
    this.#at = 0
    this.#write(value)
    return this.#bytes.slice(0, this.#at)
  }

  decode(bytes: Uint8Array): unknown {
    this.#bytes.set(bytes)
    this.#at = 0
    return this.#read()
  }

  #write(value: unknown): void {
    if (value === null) {
      this.#bytes[this.#at++] = NULL
    } else if (typeof value === 'boolean') {
      this.#bytes[this.#at++] = value ? TRUE : FALSE
    } else if (typeof value === 'number') {
      this.#writeNumber(value)
    } else if (typeof value === 'string') {
      this.#writeText(value)
    } else if (Array.isArray(value)) {
      this.#writeHead(LIST, value.length)
      for (const each of value) this.#write(each)
    } else {
      const entries = Object.entries(value as object)
      this.#writeHead(MAP, entries.length)
      for (const [key, each] of entries) {
        this.#writeText(key)
        this.#write(each)
      }
    }
  }

  #writeNumber(value: number): void {
    if (Number.isInteger(value) && Math.abs(value) < 2 ** 31) {
      this.#writeHead(INTEGER, value)
      return
    }
    this.#bytes[this.#at] = FLOAT
    this.#view.setFloat64(this.#at + 1, value)
    this.#at += 9
  }

  #writeText(text: string): void {
    this.#writeHead(TEXT, text.length)
    for (let i = 0; i < text.length; i++, this.#at += 2) this.#view.setUint16(this.#at, text.charCodeAt(i))
  }

  #writeHead(type: number, length: number): void {
    this.#bytes[this.#at] = type
    this.#view.setInt32(this.#at + 1, length)
    this.#at += 5
  }

  #read(): unknown {
    const type = this.#bytes[this.#at++]
    if (type === NULL) return null
    if (type === TRUE || type === FALSE) return type === TRUE
    if (type === FLOAT) {
      this.#at += 8
      return this.#view.getFloat64(this.#at - 8)
    }
    const length = this.#view.getInt32(this.#at)
    this.#at += 4
    if (type === INTEGER) return length
    if (type === TEXT) return this.#readText(length)
    if (type === LIST) return Array.from({ length }, () => this.#read())
    const map = new Map<unknown, unknown>()
    for (let i = 0; i < length; i++) map.set(this.#read(), this.#read())
    return map
  }

  #readText(length: number): string {
    let text = ''
    for (let i = 0; i < length; i++, this.#at += 2)
      text += String.fromCharCode(this.#view.getUint16(this.#at))
    return text
  }
}

/**
 * Allocation of process identifiers and references (protocol.md 5.1, 5.3), with wrap-around.
 *
 * A pid number is `id + serial * 2^28`: it finds a local process without comparing node names or making strings.
 * An id is never 0, because the BEAM prints and treats `<0.0.0>` as nobody.
 */
import { type Atom, Pid, Reference } from '../etf/index.ts'

const MAX_ID = 2 ** 28 - 1
const ID_SPAN = 2 ** 28
/** The BEAM of OTP 25 and older reads 13 bits of serial; nobody needs more. */
const SERIAL_SPAN = 2 ** 13

const WORD0_SPAN = 2 ** 18
const WORD_SPAN = 2 ** 32

/** The number by which a process of this node is found. Pids of other nodes may share it. */
export function pidNumber(pid: Pid): number {
  return pid.id + pid.serial * ID_SPAN
}

/** Where a `PidAllocator` begins; tests begin shortly before a wrap. */
export interface PidStart {
  readonly id: number
  readonly serial: number
}

export class PidAllocator {
  readonly #node: Atom
  readonly #creation: number
  #id: number
  #serial: number

  constructor(node: Atom, creation: number, start: PidStart = { id: 1, serial: 0 }) {
    this.#node = node
    this.#creation = creation
    this.#id = start.id
    this.#serial = start.serial
  }

  /**
   * The next pid: ids count up, then the serial; numbers still in use are skipped.
   * Ends only because the process limit is far below 2^41.
   */
  next(isTaken: (number: number) => boolean): Pid {
    for (;;) {
      const pid = new Pid(this.#node, this.#id, this.#serial, this.#creation)
      if (this.#id === MAX_ID) {
        this.#id = 1
        this.#serial = (this.#serial + 1) % SERIAL_SPAN
      } else {
        this.#id++
      }
      if (!isTaken(pidNumber(pid))) return pid
    }
  }
}

/** Three words, the first one below 2^18, as the BEAM of every release accepts them. */
export class ReferenceAllocator {
  readonly #node: Atom
  readonly #creation: number
  #words: [number, number, number]

  constructor(node: Atom, creation: number, start: [number, number, number] = [0, 0, 0]) {
    this.#node = node
    this.#creation = creation
    this.#words = start
  }

  next(): Reference {
    const words = this.#words
    if (++words[0] === WORD0_SPAN) {
      words[0] = 0
      if (++words[1] === WORD_SPAN) {
        words[1] = 0
        words[2] = (words[2] + 1) % WORD_SPAN
      }
    }
    return new Reference(this.#node, this.#creation, [words[0], words[1], words[2]])
  }
}

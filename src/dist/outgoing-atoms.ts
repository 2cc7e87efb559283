/**
 * The atoms that we have told the peer, by cache slot, and those of the frame at hand: the outgoing side of the atom
 * cache. Protocol: sections 4.2 to 4.4.
 *
 * An atom has one slot, by the hash of its text, and takes it from whoever had it, as on the BEAM: what is used keeps
 * its place, and no search is needed. Two atoms of one slot in one frame: the second stands inline. So do atoms of one
 * or two letters, for which a reference (two bytes in the term, one and a half in the header) is no shorter.
 *
 * A slot changes when the frame is finished, not before: a message that cannot be encoded leaves no trace.
 */
import type { Atom } from '../etf/index.ts'
import { LONG_ATOMS, NEW_ENTRY } from './header.ts'

const SLOTS = 2048

/** Bits of an entry: eleven are the slot, in the order of the header: three for the segment, eight for the index in it. */
const SLOT = SLOTS - 1
const NEW_SLOT = NEW_ENTRY << 8

/** As many as the header can count. */
const MAX_REFS = 255

/** Tag, length and text of an atom that is written as short as a reference to it. */
const INLINE_BYTES = 4

/** Frames that have a mark of their own; then the marks are wiped and counting begins again. */
const MAX_FRAME = 0x7fffff

/** The number of references and their flags, which are half a byte each and half a byte for all. */
function fixedBytes(count: number): number {
  return count === 0 ? 1 : 2 + (count >> 1) + count
}

export class OutgoingAtoms {
  /** What the peer has in its slots. */
  readonly #slots: (Atom | undefined)[] = new Array(SLOTS).fill(undefined)
  /** By slot: number of the frame that refers to it, and the index of the reference in the low eight bits. */
  readonly #marks = new Int32Array(SLOTS)
  /** The references of the frame at hand. */
  readonly #atoms: (Atom | undefined)[] = new Array(MAX_REFS).fill(undefined)
  /** Their slots, and whether they are new there. */
  readonly #entries = new Uint16Array(MAX_REFS)
  #frame = 0
  #count = 0
  #most = MAX_REFS
  /** Bytes of text that the peer does not have, and how many atoms they are. */
  #newText = 0
  #newAtoms = 0
  #long = false

  /** Index of the atom in the frame at hand, or -1: write it inline. */
  readonly ref = (atom: Atom): number => {
    const slot = atom.hash & SLOT
    const mark = this.#marks[slot]!
    if (mark >>> 8 === this.#frame) {
      const index = mark & 0xff
      return this.#atoms[index] === atom ? index : -1
    }
    return this.#add(atom, slot)
  }

  /** Refers to an atom of a slot that the frame does not refer to yet. */
  #add(atom: Atom, slot: number): number {
    const { length } = atom.wire
    if (this.#count === this.#most || length <= INLINE_BYTES) return -1
    const index = this.#count++
    this.#marks[slot] = (this.#frame << 8) | index
    this.#atoms[index] = atom
    if (this.#slots[slot] === atom) {
      this.#entries[index] = slot
    } else {
      this.#entries[index] = slot | NEW_SLOT
      this.#countNew(length - atom.textStart)
    }
    return index
  }

  /**
   * Begins a frame. What the one before wrote is forgotten unless it was finished.
   *
   * @param inline no references: for a frame that leaves later than those behind it
   */
  begin(inline: boolean): void {
    this.#count = 0
    this.#most = inline ? 0 : MAX_REFS
    this.#newText = 0
    this.#newAtoms = 0
    this.#long = false
    if (this.#frame === MAX_FRAME) {
      this.#frame = 0
      this.#marks.fill(0)
    }
    this.#frame++
  }

  /** Bytes of the references of the frame at hand, the number before them included. */
  get headerBytes(): number {
    const lengths = this.#long ? 2 * this.#newAtoms : this.#newAtoms
    return fixedBytes(this.#count) + lengths + this.#newText
  }

  /**
   * Writes the references of the frame at hand, `headerBytes` of them, and counts what is new as known to the peer.
   *
   *     u8 n, then unless n = 0: n + 1 nibbles, n references (see `readAtomRefs`)
   */
  finish(bytes: Uint8Array, start: number): void {
    const count = this.#count
    bytes[start] = count
    if (count === 0) return
    const flagsAt = start + 1
    let at = flagsAt + (count >> 1) + 1
    let low = 0
    for (let i = 0; i < count; i++) {
      const entry = this.#entries[i]!
      const flags = entry >> 8
      if ((i & 1) === 0) low = flags
      else bytes[flagsAt + (i >> 1)] = low | (flags << 4)
      bytes[at++] = entry
      if ((entry & NEW_SLOT) !== 0) at = this.#define(bytes, at, entry & SLOT, this.#atoms[i]!)
    }
    const last = this.#long ? LONG_ATOMS : 0
    bytes[flagsAt + (count >> 1)] = (count & 1) === 0 ? last : low | (last << 4)
  }

  #countNew(text: number): void {
    this.#newText += text
    this.#newAtoms++
    if (text > 0xff) this.#long = true
  }

  #define(bytes: Uint8Array, start: number, slot: number, atom: Atom): number {
    const { textStart, wire } = atom
    const length = wire.length - textStart
    let at = start
    if (this.#long) bytes[at++] = length >> 8
    bytes[at++] = length
    for (let i = textStart; i < wire.length; i++) bytes[at++] = wire[i]!
    this.#slots[slot] = atom
    return at
  }
}

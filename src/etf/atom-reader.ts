/** Atoms out of received bytes: by index of the frame, or by hash of their text (protocol.md 4.3, 5.1, 5.3). */
import { AtomBudget } from './atom-budget.ts'
import { Cursor } from './cursor.ts'
import type { CodecLimits } from './options.ts'
import { ATOM_CACHE_REF, ATOM_EXT, ATOM_UTF8_EXT, SMALL_ATOM_EXT, SMALL_ATOM_UTF8_EXT } from './tags.ts'
import { type Atom, atom, findAtom, findAtomByName, MAX_ATOM_CHARACTERS } from './terms/atom.ts'
import { readText } from './text.ts'

/** Longest UTF-8 text that an atom can have: four bytes a character. */
const MAX_ATOM_BYTES = MAX_ATOM_CHARACTERS * 4

/**
 * Which atom followed another one last time, by the low bits of the hash of the first. Messages repeat themselves: the
 * keys of one map follow each other as they did in the map before. To compare with a guess takes a third of the time of
 * hashing the text, and the guess is right more often than not.
 */
const followers: Atom[] = new Array(1024).fill(atom('nil'))
const FOLLOWER = followers.length - 1

export class AtomReader extends Cursor {
  readonly #sharedBudget: AtomBudget | undefined
  readonly #budget: AtomBudget
  /** Hash of the atom that was read last. */
  #last = 0
  /** The atom references of the frame, for ATOM_CACHE_REF. */
  protected atoms: readonly Atom[] | undefined

  constructor(sharedBudget: AtomBudget | undefined, limits: Required<CodecLimits>) {
    super(limits.elements)
    this.#sharedBudget = sharedBudget
    this.#budget = sharedBudget ?? new AtomBudget(limits.atoms)
  }

  protected renewBudget(): void {
    if (this.#sharedBudget === undefined && this.#budget.used > 0) this.#budget.used = 0
  }

  /**
   * The atom of the next `length` bytes of UTF-8 text, as in the atom references of a distribution header.
   *
   * @throws DecodeError for bad text, and when the atom is new and the budget is used up.
   * @internal
   */
  readAtomText(length: number): Atom {
    const at = this.take(length)
    const found = findAtom(this.bytes, at, at + length) ?? this.#introduce(at, length)
    followers[this.#last & FOLLOWER] = found
    this.#last = found.hash
    return found
  }

  /** SMALL_ATOM_UTF8_EXT, whose tag is at `offset`. */
  protected readSmallAtom(): Atom {
    const guess = followers[this.#last & FOLLOWER]!
    const { wire } = guess
    const { bytes, offset } = this
    const { length } = wire
    if (offset + length <= this.end) {
      // Tag, length and text as one.
      let i = 0
      while (i < length && wire[i] === bytes[offset + i]) i++
      if (i === length) {
        this.offset = offset + length
        this.#last = guess.hash
        return guess
      }
    }
    this.offset = offset + 1
    return this.readAtomText(this.readU8())
  }

  /** An atom with its tag, where the format allows nothing else. */
  protected readAtom(): Atom {
    switch (this.peek()) {
      case ATOM_CACHE_REF:
        this.offset++
        return this.readCachedAtom()
      case SMALL_ATOM_UTF8_EXT:
        return this.readSmallAtom()
      default:
        return this.#readRareAtom()
    }
  }

  /** Of nodes of long ago, of long text, and what is none. */
  #readRareAtom(): Atom {
    const at = this.take(1)
    switch (this.bytes[at]) {
      case ATOM_UTF8_EXT:
        return this.readAtomText(this.readU16())
      case SMALL_ATOM_EXT:
        return this.readLatin1Atom(this.readU8())
      case ATOM_EXT:
        return this.readLatin1Atom(this.readU16())
      default:
        throw this.fail('ERR_ETF_ATOM', 'expected an atom', at)
    }
  }

  protected readCachedAtom(): Atom {
    const at = this.take(1)
    return this.atoms?.[this.bytes[at]!] ?? this.#refuseCachedAtom(at)
  }

  #refuseCachedAtom(at: number): never {
    const problem =
      this.atoms === undefined
        ? 'a reference to the atom cache outside a distribution frame'
        : `the frame has ${this.atoms.length} atom references, not that one`
    throw this.fail('ERR_ETF_ATOM_CACHE', problem, at)
  }

  protected readLatin1Atom(length: number): Atom {
    const at = this.take(length)
    const end = at + length
    let name = ''
    let ascii = true
    for (let i = at; i < end; i++) if (this.bytes[i]! >= 0x80) ascii = false
    const found = ascii ? findAtom(this.bytes, at, end) : undefined
    if (found !== undefined) return found
    this.#checkLength(length, at)
    for (let i = at; i < end; i++) name += String.fromCharCode(this.bytes[i]!)
    return this.#make(name, at)
  }

  /** An atom that this process meets for the first time. */
  #introduce(at: number, length: number): Atom {
    const tooLong = length > MAX_ATOM_BYTES
    const text = tooLong ? undefined : readText(this.bytes, at, at + length)
    if (!tooLong && text === undefined) throw this.fail('ERR_ETF_ATOM', 'the text of an atom is no UTF-8', at)
    this.#checkLength(text === undefined ? length : [...text].length, at)
    return this.#make(text!, at)
  }

  #checkLength(characters: number, at: number): void {
    if (characters <= MAX_ATOM_CHARACTERS) return
    const problem = `an atom has at most ${MAX_ATOM_CHARACTERS} characters, this one ${characters}`
    throw this.fail('ERR_ETF_ATOM', problem, at)
  }

  #make(name: string, at: number): Atom {
    if (findAtomByName(name) === undefined) {
      const budget = this.#budget
      if (budget.used >= budget.limit) {
        const problem = `more than ${budget.limit} new atoms; raise limits.atoms if that is meant`
        throw this.fail('ERR_ETF_ATOM_LIMIT', problem, at)
      }
      budget.used++
    }
    return atom(name)
  }
}

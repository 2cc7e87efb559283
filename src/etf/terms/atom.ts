/**
 * Atoms and the table that interns them: the only module state of the package (protocol.md 5.1, 5.3).
 *
 * An atom is never given back, as on the BEAM; what peers may introduce is capped by `AtomBudget`.
 */
import { OptionError } from '../../core/index.ts'
import { inspectAtomName } from '../inspect-text.ts'
import { ATOM_UTF8_EXT, SMALL_ATOM_UTF8_EXT } from '../tags.ts'
import { isWellFormed } from '../well-formed.ts'
import { INSPECT } from './custom-inspect.ts'

/** The most characters (code points) that the BEAM allows in the text of an atom. */
export const MAX_ATOM_CHARACTERS = 255

/**
 * An Erlang atom, interned: two atoms of one name are one object, so `===` compares them.
 *
 * The type carries the name, which tells the shapes of messages apart: `Atom<'ok'>`. Made by `atom()` only.
 * `true`, `false` and `nil` arrive as `true`, `false` and `null`; their `Atom` forms encode to the same bytes.
 *
 * @example
 * const ok: Atom<'ok'> = atom('ok')
 * ok.name // 'ok'
 * decode(encode(ok)) === ok // true
 */
export class Atom<out N extends string = string> {
  readonly name: N
  /** What decoding yields for this atom: `true`, `false`, `null`, or the atom itself. @internal */
  readonly term: Atom<N> | boolean | null
  /** The atom as it stands on the wire: tag, length, UTF-8 text. @internal */
  readonly wire: Uint8Array
  /** Where the text begins in `wire`. @internal */
  readonly textStart: number
  /** Hash of the text, by which decoding finds the atom. @internal */
  readonly hash: number

  /** @internal */
  constructor(name: N, wire: Uint8Array, textStart: number, hash: number) {
    this.name = name
    this.wire = wire
    this.textStart = textStart
    this.hash = hash
    this.term = name === 'true' ? true : name === 'false' ? false : name === 'nil' ? null : this
  }

  toString(): N {
    return this.name
  }

  toJSON(): N {
    return this.name
  }

  [INSPECT](): string {
    return inspectAtomName(this.name)
  }
}

/** Text of every known atom -> the atom. */
const byName = new Map<string, Atom>()

/** Open addressing by the hash of the UTF-8 text: finds an atom from received bytes without making a string. */
let slots: (Atom | undefined)[] = new Array(2048).fill(undefined)

/** Mixed into every hash, so that a peer cannot prepare names that land in one slot. */
const SEED = (Math.random() * 0x100000000) | 0

const textEncoder = new TextEncoder()

function hashText(bytes: Uint8Array, start: number, end: number): number {
  let hash = SEED
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193)
  return hash ^ (hash >>> 15)
}

function hasText(atom: Atom, bytes: Uint8Array, start: number, end: number): boolean {
  const { wire, textStart } = atom
  const length = end - start
  if (wire.length - textStart !== length) return false
  for (let i = 0; i < length; i++) if (wire[textStart + i] !== bytes[start + i]) return false
  return true
}

/** The known atom with this UTF-8 text, or undefined. @internal */
export function findAtom(bytes: Uint8Array, start: number, end: number): Atom | undefined {
  const hash = hashText(bytes, start, end)
  const mask = slots.length - 1
  for (let i = hash & mask; ; i = (i + 1) & mask) {
    const found = slots[i]
    if (found === undefined) return undefined
    if (found.hash === hash && hasText(found, bytes, start, end)) return found
  }
}

function insert(table: (Atom | undefined)[], entry: Atom): void {
  const mask = table.length - 1
  let i = entry.hash & mask
  while (table[i] !== undefined) i = (i + 1) & mask
  table[i] = entry
}

/** Why a text cannot be an atom, or undefined when it can. @internal */
export function atomProblem(name: string): string | undefined {
  if (!isWellFormed(name)) return `${JSON.stringify(name)} cannot be an atom: it has a lone surrogate`
  if (name.length <= MAX_ATOM_CHARACTERS) return undefined
  const { length } = [...name]
  if (length <= MAX_ATOM_CHARACTERS) return undefined
  return `${JSON.stringify(name.slice(0, 20))}... cannot be an atom: it has ${length} characters, and 255 is the most`
}

/** An atom that nobody else gets: it must not be interned, and need not be possible. @internal */
export function looseAtom(name: string): Atom {
  const text = textEncoder.encode(name)
  const header =
    text.length < 256 ? [SMALL_ATOM_UTF8_EXT, text.length] : [ATOM_UTF8_EXT, text.length >> 8, text.length]
  const wire = new Uint8Array(header.length + text.length)
  wire.set(header)
  wire.set(text, header.length)
  return new Atom(name, wire, header.length, hashText(text, 0, text.length))
}

function add(name: string): Atom {
  const problem = atomProblem(name)
  if (problem !== undefined) throw new OptionError(problem)
  const added = looseAtom(name)
  byName.set(name, added)
  // Under half full, so that a search meets an empty slot soon.
  if (byName.size * 2 > slots.length) {
    const grown: (Atom | undefined)[] = new Array(slots.length * 2).fill(undefined)
    for (const known of byName.values()) if (known !== added) insert(grown, known)
    slots = grown
  }
  insert(slots, added)
  return added
}

/**
 * The atom of this name; always the same object for the same name.
 *
 * @throws OptionError (`ERR_INVALID_OPTION`) for more than 255 characters or a lone surrogate.
 * @example
 * atom('ok') === atom('ok') // true
 */
export function atom<N extends string>(name: N): Atom<N> {
  return (byName.get(name) ?? add(name)) as Atom<N>
}

/** How many atoms there are. @internal for the node's account of itself */
export function atomCount(): number {
  return byName.size
}

/** The atom of this name if there is one already. @internal */
export function findAtomByName(name: string): Atom | undefined {
  return byName.get(name)
}

/**
 * The atom of an Elixir module name: `alias('My.Mod')` is `atom('Elixir.My.Mod')`, which Elixir prints as `My.Mod`.
 *
 * @throws OptionError as `atom` does.
 * @example
 * alias('My.Mod').name // 'Elixir.My.Mod'
 * inspect(alias('My.Mod')) // 'My.Mod'
 */
export function alias<N extends string>(name: N): Atom<N extends `Elixir.${string}` ? N : `Elixir.${N}`>
export function alias(name: string): Atom {
  return atom(name.startsWith('Elixir.') ? name : `Elixir.${name}`)
}

/**
 * The consistent hash ring of the hex package `libring`, bit for bit (design.md, section 5): the same key goes to the
 * same node here and on every Elixir member. Not supported: weights other than the default of 128 points a node.
 */
import { Atom, type Encodable, phash2, tuple } from '../etf/index.ts'

const POINTS_PER_NODE = 128

/** Points and key hashes are `phash2(x, 2^32 - 1)`. */
const RANGE = 2 ** 32 - 1

/**
 * How the members write an atom key before it is hashed: `utf8` from OTP 26 on, `latin1` before. Members that differ
 * in this disagree about most atom keys, as they would without us.
 */
export type AtomKeys = 'utf8' | 'latin1'

const VERSION = 131
const ATOM_EXT = 100
const ATOM_UTF8_EXT = 118
const SMALL_ATOM_UTF8_EXT = 119

/** They depend on the name of the node alone, and nodes come and go many times. */
const POINTS = new WeakMap<Atom, readonly number[]>()

function pointsOf(node: Atom): readonly number[] {
  let points = POINTS.get(node)
  if (points === undefined) {
    points = Array.from({ length: POINTS_PER_NODE }, (_, index) => phash2(tuple(node, index + 1), RANGE))
    POINTS.set(node, points)
  }
  return points
}

/**
 * Which node owns a key. Points and owners are two parallel arrays in the order of the points:
 *
 *   points   [ 17 ][ 4021 ][ 9377 ] ...      a key with hash 5000 belongs to the owner of 9377,
 *   owners   [ b  ][  a   ][  b   ]          one with a hash above all points to the owner of 17
 */
export class HashRing {
  #points: number[] = []
  #owners: Atom[] = []
  #nodes: Atom[] = []

  constructor(nodes: Iterable<Atom> = []) {
    for (const node of nodes) this.add(node)
  }

  /** The members, the latest first, as `HashRing.nodes/1` lists them. */
  get nodes(): readonly Atom[] {
    return this.#nodes
  }

  /** Every point with its owner, in order. */
  *points(): Generator<readonly [number, Atom]> {
    for (const [index, point] of this.#points.entries()) yield [point, this.#owners[index]!]
  }

  has(node: Atom): boolean {
    return this.#nodes.includes(node)
  }

  /** False when the node was a member already. */
  add(node: Atom): boolean {
    if (this.has(node)) return false
    this.#nodes = [node, ...this.#nodes]
    for (const point of pointsOf(node)) this.#insert(point, node)
    return true
  }

  /**
   * False when the node was no member. A point that it had taken from a later node does not go back to that one:
   * `libring` forgets the loser of a point, and so must we.
   */
  remove(node: Atom): boolean {
    if (!this.has(node)) return false
    this.#nodes = this.#nodes.filter((member) => member !== node)
    this.#points = this.#points.filter((_, index) => this.#owners[index] !== node)
    this.#owners = this.#owners.filter((owner) => owner !== node)
    return true
  }

  /** The owner of a key, or undefined on a ring without nodes. */
  nodeFor(key: Encodable, atomKeys: AtomKeys = 'utf8'): Atom | undefined {
    return this.#owners[this.#start(key, atomKeys)]
  }

  /** Every member in the order in which the ring meets them from the key on; the owner is the first. */
  nodesFor(key: Encodable, atomKeys: AtomKeys = 'utf8'): Atom[] {
    const found = new Set<Atom>()
    const start = this.#start(key, atomKeys)
    for (let i = 0; i < this.#owners.length && found.size < this.#nodes.length; i++) {
      found.add(this.#owners[(start + i) % this.#owners.length]!)
    }
    return [...found]
  }

  #start(key: Encodable, atomKeys: AtomKeys): number {
    const index = this.#search(hashKey(key, atomKeys))
    return index === this.#points.length ? 0 : index
  }

  /** Position of the first point that is not below `hash`. */
  #search(hash: number): number {
    let low = 0
    let high = this.#points.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#points[middle]! < hash) low = middle + 1
      else high = middle
    }
    return low
  }

  #insert(point: number, node: Atom): void {
    const index = this.#search(point)
    // Who came first keeps a point that two nodes hash to.
    if (this.#points[index] === point) return
    this.#points.splice(index, 0, point)
    this.#owners.splice(index, 0, node)
  }
}

/** The hash by which a key is looked up: an atom's is that of its external form, any other term's its own. */
export function hashKey(key: Encodable, atomKeys: AtomKeys): number {
  const name = atomName(key)
  return phash2(name === undefined ? key : atomExternal(name, atomKeys), RANGE)
}

function atomName(key: Encodable): string | undefined {
  if (key instanceof Atom) return key.name
  if (typeof key === 'boolean') return String(key)
  return key === null || key === undefined ? 'nil' : undefined
}

/** `term_to_binary` of an atom; before OTP 26 in Latin-1 when its characters allow that. */
function atomExternal(name: string, atomKeys: AtomKeys): Uint8Array {
  const latin1 = atomKeys === 'latin1' && [...name].every((character) => character.codePointAt(0)! <= 0xff)
  const bytes = latin1
    ? Uint8Array.from(name, (character) => character.codePointAt(0)!)
    : new TextEncoder().encode(name)
  const { length } = bytes
  if (!latin1 && length <= 255) return Uint8Array.of(VERSION, SMALL_ATOM_UTF8_EXT, length, ...bytes)
  return Uint8Array.of(VERSION, latin1 ? ATOM_EXT : ATOM_UTF8_EXT, length >> 8, length & 0xff, ...bytes)
}

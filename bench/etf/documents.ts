/**
 * The documents of the benchmark, each in two forms: as terms of this package, and as the plain values that say the
 * same to codecs without atoms, tuples and pids. Where those have nothing of the kind, the plain form is the one that
 * is cheapest for them: arrays for tuples and pids, strings for atoms.
 */
import type { Encodable } from '../../src/etf/index.ts'

export type Etf = typeof import('../../src/etf/index.ts')

export const DOCUMENTS = ['call', 'records', 'binary', 'integers', 'tree', 'unicode'] as const

export type DocumentName = (typeof DOCUMENTS)[number]

export const TITLES: Readonly<Record<DocumentName, string>> = {
  call: 'GenServer call envelope',
  records: '50 maps: ASCII strings, floats, booleans',
  binary: '1 MiB binary',
  integers: 'list of 10,000 integers',
  tree: 'tree of 2,047 tuples, 11 deep',
  unicode: '200 unicode strings',
}

/** As plain values: what the other codecs encode. */
export function plainDocument(name: DocumentName): unknown {
  switch (name) {
    case 'call':
      return [
        '$gen_call',
        [
          ['n1@127.0.0.1', 110, 0, 1700000000],
          ['alias', ['n1@127.0.0.1', 1700000000, [3, 1 << 18, 987654321]]],
        ],
        ['add', 'counter', 5],
      ]
    case 'records':
      return records()
    case 'binary':
      return bytes(1 << 20)
    case 'integers':
      return integers(10_000)
    case 'tree':
      return tree(11, (...elements) => elements)
    case 'unicode':
      return unicode(200)
  }
}

/** As terms: what this package encodes, and the BEAM too. */
export function termDocument(name: DocumentName, etf: Etf): Encodable {
  const { atom, ImproperList, Pid, Reference, tuple } = etf
  switch (name) {
    case 'call': {
      const node = atom('n1@127.0.0.1')
      const alias = new Reference(node, 1700000000, [3, 1 << 18, 987654321])
      const from = tuple(new Pid(node, 110, 0, 1700000000), new ImproperList([atom('alias')], alias))
      return tuple(atom('$gen_call'), from, tuple(atom('add'), 'counter', 5))
    }
    case 'tree':
      return tree(11, (left, value, right) => tuple(left, value, right)) as Encodable
    default:
      return plainDocument(name) as Encodable
  }
}

/** Fixed pseudo-random numbers from 0 up to 1. */
function randomNumbers(): () => number {
  let state = 42
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    return (state >>> 0) / 0x100000000
  }
}

const NAMES = ['Ada', 'Barbara', 'Christopher', 'Donald', 'Edsger', 'Frances', 'Grace Brewster', 'Hedy']

function records(): unknown[] {
  const random = randomNumbers()
  return Array.from({ length: 50 }, (_, id) => ({
    id,
    name: `${NAMES[id % NAMES.length]} ${Math.floor(random() * 1000)}`,
    email: `user${Math.floor(random() * 1e6)}@mail.example.com`,
    bio: `Joined in ${1990 + (id % 30)}, lives in a small town by the sea and keeps bees`,
    score: random() * 100,
    balance: random() * 1e6 - 5e5,
    active: random() < 0.5,
    admin: random() < 0.1,
  }))
}

/** No UTF-8 text, so a binary for everybody. */
function bytes(length: number): Uint8Array {
  const random = randomNumbers()
  return Buffer.from(Array.from({ length }, (_, i) => (i === 0 ? 0xff : random() * 256)))
}

/** Of all sizes up to 31 bits, a quarter of them negative. */
function integers(length: number): number[] {
  const random = randomNumbers()
  return Array.from({ length }, () => {
    const size = 2 ** Math.ceil(random() * 31)
    return Math.floor(random() * size) * (random() < 0.25 ? -1 : 1) + 0
  })
}

function tree(depth: number, node: (left: unknown, value: number, right: unknown) => unknown): unknown {
  const random = randomNumbers()
  const grow = (left: number): unknown =>
    left === 0 ? null : node(grow(left - 1), Math.floor(random() * 100_000), grow(left - 1))
  return grow(depth)
}

const WORDS = [
  'żółw',
  'naïve',
  'Привет',
  '你好世界',
  'こんにちは',
  '🎉🚀',
  'Größe',
  'ελληνικά',
  'plain',
  'مرحبا',
]

/** From one word to some forty, of one to four bytes a character. */
function unicode(length: number): string[] {
  const random = randomNumbers()
  return Array.from({ length }, () => {
    const words = 1 + Math.floor(random() ** 3 * 40)
    return Array.from({ length: words }, () => WORDS[Math.floor(random() * WORDS.length)]).join(' ')
  })
}

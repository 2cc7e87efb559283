/** Values that change while they are encoded: a getter is code of somebody else, and may do anything. */
import { test } from 'tap'
import {
  atom,
  decode,
  type Encodable,
  EncodeError,
  EXACT,
  encode,
  ImproperList,
  RecordTerm,
  type Term,
  TermMap,
  tuple,
} from '../../src/etf/index.ts'

/** An object that does something when it is read, once. */
function acting(act: () => void): Encodable {
  let isDone = false
  return {
    get a() {
      if (!isDone) act()
      isDone = true
      return 1
    },
  }
}

/** In so many lists: deep values are written in another way. */
function nested(value: Encodable, levels: number): Encodable {
  for (let i = 0; i < levels; i++) value = [value]
  return value
}

/** Containers that lose or get an element while they are encoded. */
const CONTAINERS: Record<string, () => { value: Encodable; grow: () => void; shrink: () => void; arm: Arm }> =
  {
    list: () => {
      const value: Encodable[] = [null, 1, 'x', {}]
      return listLike(value, value)
    },
    'improper list': () => {
      const items: Encodable[] = [null, 1, 'x', {}]
      return listLike(new ImproperList(items as never, atom('tail') as never) as Encodable, items)
    },
    'record values': () => {
      const values: Encodable[] = [null, 1]
      const record = new RecordTerm(atom('m'), atom('r'), false, [atom('a'), atom('b')], values as never)
      return listLike(record as Encodable, values)
    },
    map: () => mapLike(new Map<Encodable, Encodable>()),
    TermMap: () => mapLike(new TermMap<Encodable, Encodable>()),
  }

type Arm = (first: Encodable) => void

function listLike(value: Encodable, items: Encodable[]) {
  return {
    value,
    grow: () => void items.push(1),
    shrink: () => void items.pop(),
    arm: (first: Encodable) => {
      items[0] = first
    },
  }
}

function mapLike(map: Map<Encodable, Encodable>) {
  for (let i = 0; i < 4; i++) map.set(i, i)
  return {
    value: map as Encodable,
    grow: () => void map.set(atom('new'), 1),
    shrink: () => void map.delete(3),
    arm: (first: Encodable) => void map.set(0, first),
  }
}

for (const [name, make] of Object.entries(CONTAINERS)) {
  for (const levels of [0, 300]) {
    for (const how of ['grow', 'shrink'] as const) {
      test(`a ${name} under ${levels} levels that a getter makes ${how} is one of before, or refused`, async (t) => {
        const { value, arm, ...acts } = make()
        arm(acting(acts[how]))
        let bytes: Uint8Array | undefined
        try {
          bytes = encode(nested(value, levels))
        } catch (error) {
          t.ok(error instanceof EncodeError)
          t.match(error, { code: 'ERR_ETF_UNREADABLE', message: /changed while it was encoded/ })
        }
        // Whatever comes out is one whole term.
        if (bytes !== undefined) decode(bytes, EXACT)
        t.same(encode(tuple(1, 2)), Uint8Array.of(131, 104, 2, 97, 1, 97, 2), 'the encoder is as it was')
      })
    }
  }
}

test('a list that grows with every look at it comes to an end', async (t) => {
  const list: Encodable[] = []
  const more = (): Encodable => ({
    get a() {
      if (list.length < 100_000) list.push(more())
      return 1
    },
  })
  list.push(more())
  t.throws(() => encode(list), { code: 'ERR_ETF_UNREADABLE' })
})

test('an object whose getter takes away what follows is what was written of it', async (t) => {
  const object: Record<string, Encodable> = { a: 1, b: 2, c: 3 }
  Object.defineProperty(object, 'a', {
    enumerable: true,
    get: () => {
      delete object['c']
      return 0
    },
  })
  const term = decode(encode(object)) as Map<Term, Term>
  t.same([...term.values()].slice(0, 2), [0, 2])
})

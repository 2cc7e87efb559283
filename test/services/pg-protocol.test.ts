import { test } from 'tap'
import { atom, Pid, type Term, TermMap, tuple } from '../../src/etf/index.ts'
import {
  encodeDiscover,
  encodeJoin,
  encodeLeave,
  encodeState,
  parseCast,
  parseMessage,
} from '../../src/services/pg/protocol.ts'

const peer = new Pid(atom('there@h'), 100, 0, 7)
const a = new Pid(atom('there@h'), 101, 0, 7)
const b = new Pid(atom('there@h'), 102, 0, 7)

const GROUPS = [
  ['g', [a]],
  ['h', [a, b]],
] as const

test('discover has two elements, as OTP 25 needs it, unless the peer is known to speak more', async (t) => {
  t.same(encodeDiscover(peer, 0), tuple(atom('discover'), peer))
  t.same(parseMessage(encodeDiscover(peer, 0)), { type: 'discover', peer, version: 0 })
  t.same(encodeDiscover(peer, 1), tuple(atom('discover'), peer, 1))
  t.same(parseMessage(encodeDiscover(peer, 1)), { type: 'discover', peer, version: 1 })
  t.match(parseMessage(tuple(atom('discover'), peer, 7)), { version: 1 }, 'we speak what we know')
})

test('join and leave carry one pid alone and several as a list', async (t) => {
  t.equal((encodeJoin(peer, 'g', [a], 0) as Term[])[3], a)
  t.same((encodeJoin(peer, 'g', [a, b], 0) as Term[])[3], [a, b])
})

for (const version of [0, 1] as const) {
  test(`what is sent in protocol ${version} is read as it was meant`, async (t) => {
    t.same(parseMessage(encodeJoin(peer, 'g', [a], version)), {
      type: 'changes',
      peer,
      changes: [{ group: 'g', joined: [a], left: [] }],
    })
    t.same(parseMessage(encodeLeave(peer, [a, b], ['g', 'h', 'g'], version)), {
      type: 'changes',
      peer,
      changes: ['g', 'h', 'g'].map((group) => ({ group, joined: [], left: [a, b] })),
    })
    t.same(parseCast(encodeState(peer, GROUPS, version)), { type: 'state', peer, version, groups: GROUPS })
  })
}

test('the messages of protocol 1 are those of OTP 29', async (t) => {
  const state = tuple(
    atom('local_data'),
    peer,
    1,
    new TermMap<Term, Term>(GROUPS.map(([g, p]) => [g, [...p]])),
  )
  t.same(encodeState(peer, GROUPS, 1), state)
  t.same(encodeJoin(peer, 'g', [a], 1), tuple(atom('update'), peer, [tuple('g', [a], [])]))
  t.same(encodeLeave(peer, [a], ['g'], 1), tuple(atom('update'), peer, [tuple('g', [], [a])]))
})

test('updates of protocol 1 are understood', async (t) => {
  const update = tuple(atom('update'), peer, [tuple('g', [a], []), tuple('h', [], [b])]) as Term
  t.same(parseMessage(update), {
    type: 'changes',
    peer,
    changes: [
      { group: 'g', joined: [a], left: [] },
      { group: 'h', joined: [], left: [b] },
    ],
  })
})

test('anything else is nothing', async (t) => {
  const strange: Term[] = [
    atom('discover'),
    tuple(),
    tuple(atom('discover')),
    tuple(atom('discover'), 'no pid'),
    tuple(atom('discover'), peer, 1, 2),
    tuple(atom('discover'), peer, 'x'),
    tuple(atom('join'), peer, 'g'),
    tuple(atom('join'), peer, 'g', 'no pid'),
    tuple(atom('join'), peer, 'g', [a, 7]),
    tuple(atom('leave'), peer, [a], 'no list'),
    tuple(atom('update'), peer, 'no list'),
    tuple(atom('update'), peer, [tuple('g', [a])]),
    tuple(atom('update'), peer, [tuple('g', [a], 'x')]),
    tuple(atom('update'), peer, ['x']),
    tuple(atom('other'), peer),
  ]
  for (const message of strange) t.equal(parseMessage(message), undefined)
  const casts: Term[] = [
    7,
    tuple(atom('sync'), peer),
    tuple(atom('sync'), 1, []),
    tuple(atom('sync'), peer, atom('x')),
    tuple(atom('sync'), peer, [tuple('g', a, 1)]),
    tuple(atom('sync'), peer, [tuple('g', atom('x'))]),
    tuple(atom('local_data'), peer, 1, 'x'),
    tuple(atom('local_data'), peer, 1, new Map<Term, Term>([['g', 'x']])),
  ]
  for (const cast of casts) t.equal(parseCast(cast), undefined)
})

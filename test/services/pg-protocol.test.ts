import { test } from 'tap'
import { atom, Pid, type Term, tuple } from '../../src/etf/index.ts'
import {
  encodeDiscover,
  encodeJoin,
  encodeLeave,
  encodeSync,
  parseCast,
  parseMessage,
} from '../../src/services/pg/protocol.ts'

const peer = new Pid(atom('there@h'), 100, 0, 7)
const a = new Pid(atom('there@h'), 101, 0, 7)
const b = new Pid(atom('there@h'), 102, 0, 7)

test('discover has two elements, as OTP 25 needs it', async (t) => {
  const message = encodeDiscover(peer)
  t.equal(message.length, 2)
  t.same(parseMessage(message as Term), { type: 'discover', peer })
})

test('the longer discover of newer releases is understood', async (t) => {
  t.same(parseMessage(tuple(atom('discover'), peer, 1)), { type: 'discover', peer })
})

test('join and leave carry one pid alone and several as a list', async (t) => {
  t.equal((encodeJoin(peer, 'g', [a]) as Term[])[3], a)
  t.same((encodeJoin(peer, 'g', [a, b]) as Term[])[3], [a, b])
  t.same(parseMessage(encodeJoin(peer, 'g', [a])), {
    type: 'changes',
    peer,
    changes: [{ group: 'g', joined: [a], left: [] }],
  })
  t.same(parseMessage(encodeLeave(peer, [a, b], ['g', 'h', 'g'])), {
    type: 'changes',
    peer,
    changes: ['g', 'h', 'g'].map((group) => ({ group, joined: [], left: [a, b] })),
  })
})

test('both forms of the whole state are understood', async (t) => {
  const expected = {
    type: 'state',
    peer,
    groups: [
      ['g', [a]],
      ['h', [a, b]],
    ],
  }
  t.same(
    parseCast(
      encodeSync(peer, [
        ['g', [a]],
        ['h', [a, b]],
      ]),
    ),
    expected,
  )
  const map = new Map<Term, Term>([
    ['g', [a]],
    ['h', [a, b]],
  ])
  t.same(parseCast(tuple(atom('local_data'), peer, 1, map)), expected)
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

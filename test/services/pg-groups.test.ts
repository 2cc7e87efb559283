import { test } from 'tap'
import { type Atom, atom, Pid, type Term, tuple } from '../../src/etf/index.ts'
import { Groups, type PgEvent } from '../../src/services/pg/groups.ts'

const HERE = atom('here@h')
const THERE = atom('there@h')

function pid(id: number, node: Atom = HERE): Pid {
  return new Pid(node, id, 0, 1)
}

function text(events: readonly PgEvent[]): string[] {
  return events.map(({ type, group, pids }) => `${type} ${String(group)} ${pids.map((p) => p.id).join(',')}`)
}

const G = 'g'

test('a pid that joined twice is a member twice and leaves once at a time', async (t) => {
  const groups = new Groups()
  t.same(text(groups.join(G, [pid(1)])), ['join g 1'])
  t.same(text(groups.join(G, [pid(1)])), ['join g 1'])
  t.equal(groups.members(G).length, 2)
  t.same(text(groups.leave(G, [pid(1)])), ['leave g 1'])
  t.equal(groups.members(G).length, 1)
  t.same(text(groups.leave(G, [pid(1)])), ['leave g 1'])
  t.same(groups.names(), [])
  t.same(groups.leave(G, [pid(1)]), [], 'leaving again is no event')
  t.notOk(groups.hasLocal(pid(1)))
})

test('a list joins as one event, and only those that were members leave', async (t) => {
  const groups = new Groups()
  t.same(text(groups.join(G, [pid(1), pid(2), pid(2)])), ['join g 1,2,2'])
  t.same(text(groups.leave(G, [pid(2), pid(3)])), ['leave g 2'])
  t.same(
    groups.members(G).map((p) => p.id),
    [1, 2],
  )
  t.same(
    groups.localMembers(G).map((p) => p.id),
    [1, 2],
  )
})

test('a dead local member leaves every group as often as it joined', async (t) => {
  const groups = new Groups()
  groups.join('a', [pid(1)])
  groups.join('b', [pid(1), pid(2)])
  groups.join('b', [pid(1)])
  t.same(text(groups.leaveAll(pid(1))), ['leave a 1', 'leave b 1,1'])
  t.same(groups.names(), ['b'])
  t.same(groups.leaveAll(pid(1)), [])
})

test('groups are found by the value of their name', async (t) => {
  const groups = new Groups()
  groups.join(tuple(atom('user'), [1, 'x']) as Term, [pid(1)])
  t.equal(groups.members(tuple(atom('user'), [1, 'x']) as Term).length, 1)
})

test('what a peer tells replaces what it told before', async (t) => {
  const groups = new Groups()
  const peer = pid(9, THERE)
  groups.join('a', [pid(1)])
  const first = groups.setPeer(peer, [
    ['a', [pid(1, THERE)]],
    ['b', [pid(2, THERE), pid(2, THERE)]],
    ['empty', []],
  ])
  t.same(text(first), ['join a 1', 'join b 2,2'])
  const second = groups.setPeer(peer, [
    ['b', [pid(2, THERE), pid(3, THERE)]],
    ['c', [pid(4, THERE)]],
  ])
  t.same(text(second), ['join b 3', 'leave b 2', 'join c 4', 'leave a 1'])
  t.same(
    groups.members('a').map((p) => p.node),
    [HERE],
  )
  t.same(groups.localMembers('b'), [])
  t.same(
    [...groups.local()].map(([name]) => name),
    ['a'],
    'a peer asks for local groups only',
  )
})

test('changes of a known peer apply, of an unknown one they do not', async (t) => {
  const groups = new Groups()
  const peer = pid(9, THERE)
  const change = { group: G, joined: [pid(1, THERE), pid(1, THERE)], left: [] }
  t.same(groups.changePeer(peer, [change]), [])
  t.notOk(groups.knowsPeer(peer))
  groups.addPeer(peer, 0)
  t.same(text(groups.changePeer(peer, [change])), ['join g 1,1'])
  groups.addPeer(peer, 1)
  groups.addPeer(peer, 0)
  t.same([...groups.told()], [], 'it has not heard of our groups')
  groups.setTold(peer)
  t.same(
    [...groups.told()].map(({ version }) => version),
    [1],
    'what it speaks goes up, its groups stay',
  )
  groups.setUntold(HERE)
  t.equal([...groups.told()].length, 1)
  groups.setUntold(THERE)
  t.same([...groups.told()], [], 'over a new connection it must hear of them anew')
  t.equal(groups.members(G).length, 2)
  const leave = { group: G, joined: [], left: [pid(1, THERE), pid(5, THERE)] }
  t.same(text(groups.changePeer(peer, [leave, leave, leave])), ['leave g 1', 'leave g 1'])
  t.same(groups.names(), [])
})

test('a peer takes its members along, and only those', async (t) => {
  const groups = new Groups()
  const peer = pid(9, THERE)
  groups.join(G, [pid(1)])
  groups.setPeer(peer, [[G, [pid(1, THERE)]]])
  t.same(text(groups.dropPeer(peer)), ['leave g 1'])
  t.same(
    groups.members(G).map((p) => p.node),
    [HERE],
  )
  t.same(groups.dropPeer(peer), [])
  t.notOk(groups.knowsPeer(peer))
})

test('members and snapshots are copies', async (t) => {
  const groups = new Groups()
  groups.join(G, [pid(1)])
  const members = groups.members(G)
  const snapshot = groups.snapshot()
  groups.join(G, [pid(2)])
  t.equal(members.length, 1)
  t.equal(snapshot.get(G)?.length, 1)
})

test('a group of 100 000 pids of one peer comes and goes without harm', async (t) => {
  const groups = new Groups()
  const peer = pid(9, THERE)
  const pids = Array.from({ length: 100_000 }, (_, id) => pid(id, THERE))
  groups.setPeer(peer, [[G, pids]])
  t.equal(groups.members(G).length, 100_000)
  groups.setPeer(peer, [[G, pids.slice(1)]])
  t.equal(groups.members(G).length, 99_999)
  groups.dropPeer(peer)
  t.same(groups.names(), [])
})

import { test } from 'tap'
import type { BeamNode } from '../../src/beam-node.ts'
import { atom, float, type Pid, type Term, type Tuple, tuple } from '../../src/etf/index.ts'
import type { PgScope } from '../../src/services/index.ts'
import { MemoryCluster } from '../support/memory-cluster.ts'

const DISCOVER = atom('discover')

/** A process that waits until somebody sends it something. */
function waiter(node: BeamNode): Pid {
  return node.spawn(async (self) => {
    await self.receive()
  })
}

function keys(pids: readonly Pid[]): string[] {
  return pids.map(({ key }) => key).sort()
}

function recorded(scope: PgScope): string[] {
  const lines: string[] = []
  scope.onChange(({ type, group, pids, nodeDown }) => {
    lines.push(`${type} ${String(group)} ${pids.length}${nodeDown ? ' nodedown' : ''}`)
  })
  return lines
}

test('members join, leave and die on one node', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a] = await cluster.start('a')
  const scope = a.pg()
  const one = waiter(a)
  const two = waiter(a)
  scope.join('g', [one, two, one])
  t.same(keys(scope.members('g')), keys([one, one, two]))
  t.same(keys(scope.localMembers('g')), keys([one, one, two]))
  t.ok(scope.leave('g', one))
  t.same(keys(scope.members('g')), keys([one, two]))
  a.send(two, 'end')
  await cluster.until(() => scope.members('g').length === 1)
  t.ok(scope.leave('g', one))
  t.notOk(scope.leave('g', one))
  t.same(scope.groups(), [])
  t.equal(a.pg(), scope, 'the scope is started once')
})

test('a process that is dead already does not stay', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a] = await cluster.start('a')
  const pid = waiter(a)
  a.send(pid, 'end')
  await cluster.until(() => !a.runtime.isAlive(pid))
  a.pg().join('g', pid)
  await cluster.until(() => a.pg().members('g').length === 0)
  t.same(a.pg().groups(), [])
})

test('a pid of another node cannot join here, and nothing joins a stopped scope', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b] = await cluster.start('a', 'b')
  const scope = a.pg()
  t.throws(() => scope.join('g', waiter(b)), { code: 'ERR_PG_NOT_LOCAL' })
  scope.stop()
  scope.stop()
  t.notOk(scope.isAlive)
  t.throws(() => scope.join('g', waiter(a)), { code: 'ERR_PG_STOPPED' })
  t.not(a.pg(), scope)
})

for (const order of ['before', 'after'] as const) {
  test(`groups are the same everywhere, scopes started ${order} the nodes meet`, async (t) => {
    const cluster = new MemoryCluster(t)
    const a = await cluster.add('a')
    const b = await cluster.add('b', { alone: true })
    if (order === 'after') await cluster.connect(a, b)
    const [onA, onB] = [waiter(a), waiter(b)]
    a.pg().join('g', onA)
    b.pg().join('g', [onB, onB])
    if (order === 'before') await cluster.connect(a, b)
    const expected = keys([onA, onB, onB])
    await cluster.until(() => a.pg().members('g').length === 3 && b.pg().members('g').length === 3)
    t.same(keys(a.pg().members('g')), expected)
    t.same(keys(b.pg().members('g')), expected)
    t.same(keys(a.pg().localMembers('g')), keys([onA]))
  })
}

test('changes arrive in order, and members of a node that is gone leave', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b] = await cluster.start('a', 'b')
  const lines = recorded(a.pg())
  const scope = b.pg()
  await cluster.settle()
  const pid = waiter(b)
  scope.join('g', pid)
  scope.join('h', [pid, pid])
  scope.leave('g', pid)
  scope.join('g', pid)
  await cluster.until(() => lines.length === 4)
  t.same(lines, ['join g 1', 'join h 2', 'leave g 1', 'join g 1'])
  await cluster.kill(b)
  await cluster.until(() => a.pg().groups().length === 0)
  t.same(lines.slice(4).sort(), ['leave g 1 nodedown', 'leave h 2 nodedown'])
})

test('a dead member leaves on the other nodes as often as it joined', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b] = await cluster.start('a', 'b')
  const pid = waiter(b)
  a.pg()
  b.pg().join('g', [pid, pid])
  b.pg().join('h', pid)
  await cluster.until(() => a.pg().groups().length === 2)
  b.send(pid, 'end')
  await cluster.until(() => a.pg().groups().length === 0)
  t.same(a.pg().groups(), [])
})

test('a scope that ends takes its members along, and starts again empty', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b] = await cluster.start('a', 'b')
  const [onA, onB] = [waiter(a), waiter(b)]
  const lines = recorded(a.pg())
  a.pg().join('g', onA)
  b.pg().join('g', onB)
  await cluster.until(() => a.pg().members('g').length === 2)
  b.exit(b.pg().pid, atom('kill'))
  await cluster.until(() => a.pg().members('g').length === 1)
  t.same(lines.slice(-1), ['leave g 1'], 'its node is still there')
  await cluster.until(() => b.pg().members('g').length === 1)
  t.same(keys(b.pg().members('g')), keys([onA]))
  b.pg().join('g', onB)
  await cluster.until(() => a.pg().members('g').length === 2)
  t.same(keys(a.pg().members('g')), keys([onA, onB]))
})

test('after a cut and a heal everybody has everything again', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b, c] = await cluster.start('a', 'b', 'c')
  const nodes = [a, b, c]
  for (const node of nodes) node.pg().join('g', waiter(node))
  const all = (): boolean => nodes.every((node) => node.pg().members('g').length === 3)
  await cluster.until(all)
  await cluster.cut(a, b)
  await cluster.until(() => a.pg().members('g').length === 2 && b.pg().members('g').length === 2)
  t.equal(c.pg().members('g').length, 3)
  await cluster.heal(a, b)
  await cluster.until(all)
  t.ok(all())
})

test('hidden nodes are not asked, but answered when they ask', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a] = await cluster.start('a')
  const hidden = await cluster.add('h', { hidden: true })
  a.pg().join('g', waiter(a))
  hidden.pg().join('h', waiter(hidden))
  await cluster.settle()
  t.same(a.pg().groups(), ['g'])
  t.same(hidden.pg().groups(), ['h'])
  const answers: Term[] = []
  hidden.spawn(async (self) => {
    self.send(['pg', a.name], tuple(atom('discover'), self.pid))
    for (;;) answers.push(await self.receive())
  })
  await cluster.until(() => answers.length === 2)
  const [sync, discover] = answers as [Tuple<[Term, Tuple<Term[]>]>, Tuple<[Term, Pid]>]
  t.equal(sync[1][0], atom('sync'))
  t.same(sync[1][2], [tuple('g', a.pg().localMembers('g'))])
  t.same(discover, tuple(atom('discover'), a.pg().pid))
})

test('a peer that speaks protocol 1 is spoken to so, others beside it not', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b, c] = await cluster.start('a', 'b', 'c')
  const tags = (node: BeamNode, version: number): { seen: string[]; pid: Pid } => {
    const seen: string[] = []
    const pid = node.spawn(async (self) => {
      self.send(
        ['pg', a.name],
        version === 0 ? tuple(DISCOVER, self.pid) : tuple(DISCOVER, self.pid, version),
      )
      for (;;) {
        const message = (await self.receive()) as Tuple<Term[]>
        seen.push(String(message[0] === atom('$gen_cast') ? (message[1] as Tuple)[0] : message[0]))
      }
    })
    return { seen, pid }
  }
  const scope = a.pg()
  const [old, recent] = [tags(b, 0), tags(c, 1)]
  await cluster.until(() => old.seen.length === 2 && recent.seen.length === 2)
  const member = waiter(a)
  scope.join('g', member)
  scope.leave('g', member)
  await cluster.until(() => old.seen.length === 4 && recent.seen.length === 4)
  t.same(old.seen, ['sync', 'discover', 'join', 'leave'])
  t.same(recent.seen, ['local_data', 'discover', 'update', 'update'])
})

test('a peer hears of changes only once it has asked for what there is', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b] = await cluster.start('a', 'b')
  const seen: string[] = []
  const peer = b.spawn(async (self) => {
    for (;;) {
      const message = (await self.receive()) as Tuple<Term[]>
      seen.push(String(message[0] === atom('$gen_cast') ? (message[1] as Tuple)[0] : message[0]))
    }
  })
  const scope = a.pg()
  const member = waiter(a)
  scope.join('g', member)
  b.cast(scope.pid, tuple(atom('sync'), peer, [tuple('theirs', [peer])]))
  await cluster.until(() => scope.members('theirs').length === 1)
  scope.leave('g', member)
  b.send(scope.pid, tuple(DISCOVER, peer))
  await cluster.until(() => seen.length > 0)
  scope.join('h', member)
  await cluster.until(() => seen.includes('join'))
  t.same(seen, ['sync', 'join'])
})

test('no change connects to a node again that was left a moment ago', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b] = await cluster.start('a', 'b')
  const scope = a.pg()
  b.pg().join('g', waiter(b))
  await cluster.until(() => scope.members('g').length === 1)
  const member = waiter(a)
  a.on('nodedown', () => scope.join('left', member))
  a.disconnect(b.name)
  scope.join('g', member)
  scope.leave('g', member)
  await cluster.settle()
  await cluster.settle()
  t.same(a.nodes(), [])
  t.same(scope.groups(), ['left'])
})

test('groups that are called 1 and 1.0 are two, here and on other nodes', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b] = await cluster.start('a', 'b')
  b.pg().join(2, waiter(b))
  b.pg().join(tuple(float(2)), waiter(b))
  a.pg().join(1, waiter(a))
  a.pg().join(float(1), [waiter(a), waiter(a)])
  await cluster.until(() => a.pg().groups().length === 4 && b.pg().groups().length === 4)
  t.equal(b.pg().members(1).length, 1)
  t.equal(b.pg().members(float(1)).length, 2)
  t.equal(a.pg().members(tuple(2)).length, 0)
  t.equal(a.pg().members(tuple(float(2))).length, 1)
})

test('scopes do not see each other', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b] = await cluster.start('a', 'b')
  a.pg('one').join('g', waiter(a))
  b.pg('one')
  b.pg('two')
  await cluster.until(() => b.pg('one').members('g').length === 1)
  t.same(b.pg('two').members('g'), [])
})

test('a monitor gives how it was and what happened since', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a] = await cluster.start('a')
  const scope = a.pg()
  const pid = waiter(a)
  scope.join('g', pid)
  const abort = new AbortController()
  const everything = scope.monitor({ signal: abort.signal })
  const one = scope.monitor({ group: 'g' })
  t.same([...everything.initial.keys()], ['g'])
  scope.join('h', pid)
  scope.leave('g', pid)
  const seen: string[] = []
  for await (const { type, group } of everything) {
    seen.push(`${type} ${group}`)
    if (seen.length === 2) abort.abort()
  }
  t.same(seen, ['join h', 'leave g'])
  for await (const { type, group, pids } of one) {
    t.same([type, group, keys(pids)], ['leave', 'g', keys([pid])])
    break
  }
  t.same(await one.next(), { done: true, value: undefined })
  const waiting = scope.monitor()
  const next = waiting.next()
  scope.stop()
  t.same(await next, { done: true, value: undefined })
})

test('events reach every listener in the same order, also when one of them causes more', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a] = await cluster.start('a')
  const scope = a.pg()
  const pid = waiter(a)
  scope.onChange(({ type, group }) => {
    if (type === 'join' && group === 'g') scope.join('h', pid)
    throw new Error('listeners may fail')
  })
  const lines = recorded(scope)
  scope.join('g', pid)
  t.same(lines, ['join g 1', 'join h 1'])
})

test('what is no message of pg is ignored', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a] = await cluster.start('a')
  const scope = a.pg()
  scope.join('g', waiter(a))
  await cluster.settle()
  for (const message of ['x', tuple(), tuple(atom('discover'), 1), tuple(atom('DOWN'), 1)] as Term[]) {
    a.send(scope.pid, message)
    a.cast(scope.pid, message)
  }
  await t.rejects(cluster.during(a.call(scope.pid, 'x', { timeout: 10 })), { code: 'timeout' })
  t.ok(scope.isAlive)
  t.equal(scope.members('g').length, 1)
})

test('a group named by an object is the group of the map it is on the wire', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a] = await cluster.start('a')
  a.pg().join({ room: 1 }, waiter(a))
  t.equal(a.pg().members(new Map([[atom('room'), 1]])).length, 1)
})

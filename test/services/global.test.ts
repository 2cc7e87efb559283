/** Whole nodes over a network in memory: what `global` makes of them together. */
import { test } from 'tap'
import type { BeamNode } from '../../src/beam-node.ts'
import { atom, float, inspect, type Pid, type Term, tuple } from '../../src/etf/index.ts'
import { GenServer, reply } from '../../src/runtime/index.ts'
import { MemoryCluster } from '../support/memory-cluster.ts'

class Echo extends GenServer<null> {
  override init() {
    return null
  }
  override handleCall(request: Term) {
    return reply(request, null)
  }
}

function waiter(node: BeamNode): Pid {
  return node.spawn(async (self) => {
    await self.receive()
  })
}

function agree(nodes: readonly BeamNode[], names: readonly Term[]): boolean {
  const wanted = names
    .map((name) => inspect(name))
    .sort()
    .join()
  return nodes.every((node) => {
    const has = node.global
      .names()
      .map((name) => inspect(name))
      .sort()
      .join()
    return (
      has === wanted &&
      names.every((name) => node.global.whereis(name)?.equals(nodes[0]?.global.whereis(name)))
    )
  })
}

test('nodes of ours meet without a BEAM node that takes the lead', async (t) => {
  const cluster = new MemoryCluster(t)
  const a = await cluster.add('a', { alone: true })
  const b = await cluster.add('b', { alone: true })
  await cluster.during(a.global.register('on a', waiter(a)))
  await cluster.during(b.global.register(float(1), waiter(b)))
  await cluster.connect(a, b)
  await cluster.until(() => agree([a, b], ['on a', float(1)]))
  await cluster.during(b.global.sync())
  const c = await cluster.add('c', { alone: true })
  await cluster.connect(c, a)
  await cluster.until(() => c.nodes().length === 2 && agree([a, b, c], ['on a', float(1)]))
  t.pass('a introduced b and c')
  t.ok(await cluster.during(c.global.register(1, waiter(c))))
  t.ok(agree([a, b, c], ['on a', float(1), 1]), 'a registration is everywhere when it resolves')
  await cluster.kill(a)
  await cluster.until(() => agree([b, c], [float(1), 1]))
})

test('servers are started, called and monitored by global names', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b] = await cluster.start('a', 'b')
  await cluster.during(a.global.sync())
  const name = { global: tuple(atom('echo'), 1) }
  const pid = await cluster.during(a.startLink(Echo, undefined, { name }))
  t.equal(await cluster.during(b.call(name, 'hi')), 'hi')
  const again = b.startLink(Echo, undefined, { name }).catch((error) => error.reason)
  t.match(await cluster.during(again), tuple(atom('already_started'), pid))
  const down = new Promise((resolve) => b.monitor(name, resolve))
  await cluster.settle()
  a.exit(pid, atom('kill'))
  t.equal(await cluster.during(down), atom('killed'))
  await cluster.until(() => agree([a, b], []))
  t.equal(await new Promise((resolve) => b.monitor(name, resolve)), atom('noproc'))
  await t.rejects(b.call(name, 'hi'), { code: 'noproc' })
  b.cast(name, 'nobody')
  t.throws(() => b.send(name, 'nobody'), { code: 'ERR_RUNTIME_NO_NAME' })
})

test('registrations of one name at once: exactly one wins', async (t) => {
  const cluster = new MemoryCluster(t)
  const nodes = await cluster.start('a', 'b', 'c')
  await cluster.during(Promise.all(nodes.map((node) => node.global.sync())))
  const won = await cluster.during(
    Promise.all(nodes.map((node) => node.global.register('one', waiter(node)))),
  )
  t.equal(won.filter(Boolean).length, 1)
  t.ok(agree(nodes, ['one']))
})

test('a registration is given up by its signal, and the next one has its turn', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b] = await cluster.start('a', 'b')
  await cluster.during(a.global.sync())
  t.ok(await cluster.during(b.global.setLock(atom('global'), 'mine')))
  const giveUp = new AbortController()
  const waiting = [giveUp.signal, giveUp.signal].map((signal) =>
    a.global.register('never', waiter(a), { signal }).catch((error) => error.message),
  )
  await cluster.settle()
  giveUp.abort(new Error('too long'))
  t.same(await Promise.all(waiting), ['too long', 'too long'], 'also the one that waited for its turn')
  const late = a.global.register('late', waiter(a), { signal: AbortSignal.abort(new Error('before')) })
  await t.rejects(late, { message: 'before' })
  const last = a.global.register('last', waiter(a))
  await cluster.during(b.global.delLock(atom('global'), 'mine'))
  t.ok(await cluster.during(last))
  t.ok(agree([a, b], ['last']))
})

test('transactions on one resource run one at a time', async (t) => {
  const cluster = new MemoryCluster(t)
  const nodes = await cluster.start('a', 'b')
  let inside = 0
  let most = 0
  const run = async (): Promise<void> => {
    most = Math.max(most, ++inside)
    await new Promise((resolve) => cluster.clock.after(50, () => resolve(undefined)))
    inside--
  }
  await cluster.during(Promise.all([...nodes, ...nodes].map((node) => node.global.trans('r', run))))
  t.equal(most, 1)
  await cluster.during(Promise.all(nodes.map((node) => node.global.trans('r', run, { requester: 'us' }))))
  t.equal(most, 2, 'the same requester shares the lock')
})

test('parts of a cluster do not overlap, and come together again', async (t) => {
  const cluster = new MemoryCluster(t)
  const start = (host: string) => cluster.add(host, { preventOverlappingPartitions: true })
  const [a, b, c] = [await start('a'), await start('b'), await start('c')]
  await cluster.during(Promise.all([a, b, c].map((node) => node.global.sync())))
  for (const node of [a, b, c]) await cluster.during(node.global.register(node.name, waiter(node)))
  cluster.network.cut('a', 'b')
  cluster.network.reset('a', 'b')
  const isClosed = (): boolean => {
    const seen = new Map(
      [a, b, c].map((node) => [node.name, [node.name, ...node.nodes()].map(String).sort().join()]),
    )
    return (
      !a.nodes().includes(b.name) &&
      [a, b, c].every((node) => node.nodes().every((n) => seen.get(n) === seen.get(node.name)))
    )
  }
  await cluster.until(isClosed)
  await cluster.heal(a, b)
  await cluster.connect(a, c)
  await cluster.until(() => [a, b, c].every((node) => node.nodes().length === 2))
  await cluster.until(() => agree([a, b, c], [a.name, b.name, c.name]))
})

test('a name server that is killed begins anew, and the cluster with it', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b] = await cluster.start('a', 'b')
  await cluster.during(a.global.sync())
  await cluster.during(b.global.register('on b', waiter(b)))
  const killed = a.whereis('global_name_server')
  if (killed !== undefined) a.exit(killed, atom('kill'))
  await cluster.until(() => a.nodes().length === 0 && a.whereis('global_name_server') !== undefined)
  await cluster.connect(a, b)
  await cluster.until(() => agree([a, b], ['on b']))
  t.ok(await cluster.during(a.global.register('on a', waiter(a))))
})

test('a stopped node says so', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a] = await cluster.start('a')
  await cluster.leave(a)
  await t.rejects(a.global.register('x', a.self), { code: 'ERR_GLOBAL_STOPPED' })
  t.same(a.global.names(), [])
})

test('whoever waits for a lock when the node stops hears that global does not run any more', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b] = await cluster.start('a', 'b')
  t.ok(await cluster.during(b.global.setLock('r', 'b')))
  const waiting = [
    a.global.trans('r', () => t.fail('it has no lock')),
    a.global.setLock('r', 'a'),
    a.global.trans('free', () => cluster.leave(a).then(() => 'done')),
  ].map((result) => result.catch((error) => error.code))
  t.same(await cluster.during(Promise.all(waiting)), ['ERR_GLOBAL_STOPPED', 'ERR_GLOBAL_STOPPED', 'done'])
})

test('a signal ends the wait for a node that does not answer, and gives back what was taken', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b, c] = await cluster.start('a', 'b', 'c')
  const deaf = b.whereis('global_name_server') as Pid
  await cluster.during(a.request(atom('system'), deaf, atom('suspend')))
  const giveUp = new AbortController()
  const waiting = [
    a.global.trans('r', () => t.fail('it has no lock'), { signal: giveUp.signal }),
    a.global.setLock('s', 'a', { signal: giveUp.signal }),
  ].map((result) => result.catch((error) => error.message))
  await cluster.settle()
  const here = { nodes: [a.name, c.name], retries: 0 }
  t.notOk(await cluster.during(c.global.setLock('s', 'c', here)), 'the others granted it')
  giveUp.abort(new Error('too long'))
  t.same(await Promise.all(waiting), ['too long', 'too long'])
  await cluster.settle()
  t.ok(await cluster.during(c.global.setLock('s', 'c', here)))
  await cluster.during(a.request(atom('system'), deaf, atom('resume')))
  t.ok(await cluster.during(c.global.setLock('s', 'c', { nodes: [b.name], retries: 0 })), 'also there')
})

test('nobody runs under a lock that this node itself did not grant', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a] = await cluster.start('a')
  let runs = 0
  const killed = a.whereis('global_name_server') as Pid
  a.exit(killed, atom('kill'))
  const run = a.global.trans('r', () => ++runs, { retries: 0 })
  await t.rejects(cluster.during(run), { code: 'ERR_GLOBAL_ABORTED' })
  t.equal(runs, 0)
})

test('a function of one’s own settles a conflict, and a name that was given up has none any more', async (t) => {
  const cluster = new MemoryCluster(t)
  const a = await cluster.add('a', { alone: true })
  const b = await cluster.add('b', { alone: true })
  const [mine, theirs] = [waiter(a), waiter(b)]
  const asked: Term[] = []
  const keep = (which: Pid) => (name: Term) => {
    asked.push(name)
    return which
  }
  await cluster.during(a.global.register('mine', mine, { resolve: keep(mine) }))
  await cluster.during(a.global.register('other', waiter(a), { resolve: keep(mine) }))
  await cluster.during(a.global.unregister('other'))
  await cluster.during(a.global.register('other', waiter(a)))
  await cluster.during(b.global.register('mine', theirs, { resolve: keep(theirs) }))
  await cluster.during(b.global.register('other', waiter(b)))
  await cluster.connect(a, b)
  await cluster.until(() => agree([a, b], ['mine', 'other']))
  t.same(asked, ['mine'])
  t.ok(b.global.whereis('mine')?.equals(mine))
  t.ok(b.runtime.isAlive(theirs), 'the loser lives on')
})

/** What of a child outlives it: nothing that could bring it back once it ended for good, everything until then. */
import { test } from 'tap'
import type { BeamNode } from '../../src/beam-node.ts'
import { alias, atom, type Pid, type Term, tuple } from '../../src/etf/index.ts'
import { GenServer, ignore, noreply, reply, stop } from '../../src/runtime/index.ts'
import type { DistributedSupervisor } from '../../src/supervisor/index.ts'
import { MemoryCluster } from '../support/memory-cluster.ts'
import { supervise } from './distributed.ts'

type Start = 'ok' | 'ignore' | 'fail' | (() => unknown)

/** Servers whose n-th start, on whichever node, goes as the n-th entry says; without one it works. */
function scriptedClass(script: Start[], starts: Pid[] = [], gate?: Promise<void>) {
  return class Scripted extends GenServer<number> {
    override async init({ slow = false }: { slow?: boolean } = {}) {
      const how = script[starts.length] ?? 'ok'
      starts.push(this.pid)
      if (slow) await gate
      if (how === 'ignore') return ignore()
      if (how === 'fail') return stop(atom('not_yet'))
      if (how === 'ok') return 0
      await how()
      return stop(atom('not_yet'))
    }

    override handleCall(_request: unknown, _from: unknown, state: number) {
      return reply(state, state)
    }

    override handleCast(_request: unknown, state: number) {
      return noreply(state)
    }
  }
}

/** Two nodes with a supervisor each that run the same module. */
async function pair(cluster: MemoryCluster, Scripted: ReturnType<typeof scriptedClass>, more = {}) {
  const nodes = await cluster.start('a', 'b')
  const all: DistributedSupervisor[] = []
  for (const node of nodes) {
    all.push(await cluster.during(supervise(node, { modules: { Scripted }, ...more })))
  }
  await cluster.settle()
  const [a, b] = nodes as [BeamNode, BeamNode]
  const [onA, onB] = all as [DistributedSupervisor, DistributedSupervisor]
  return { a, b, onA, onB }
}

test('a child of a dead node whose restart fails is tried again', async (t) => {
  const cluster = new MemoryCluster(t)
  const starts: Pid[] = []
  const Scripted = scriptedClass(['ok', 'fail', 'fail'], starts)
  const { a, b, onA, onB } = await pair(cluster, Scripted)
  await cluster.during(onA.startChild([Scripted, { name: 'x' }], a.name))
  await cluster.settle()
  await cluster.kill(a)
  await cluster.clock.elapse(5_000)
  t.equal(starts.length, 4)
  t.equal((await onB.whereis('x'))?.node, b.name)
})

test('a child of a dead node that never starts is given up, and no node comes back to it', async (t) => {
  const cluster = new MemoryCluster(t)
  const starts: Pid[] = []
  const Scripted = scriptedClass(['ok', ...new Array<Start>(40).fill('fail')], starts)
  const { a, b, onA, onB } = await pair(cluster, Scripted)
  const c = await cluster.add('c')
  const onC = await cluster.during(supervise(c, { modules: { Scripted } }))
  await cluster.settle()
  await cluster.during(onA.startChild([Scripted, { name: 'x' }], a.name))
  await cluster.settle()
  await cluster.kill(a)
  await cluster.clock.elapse(30_000)
  t.equal(starts.length, 11)
  await cluster.kill(onB.nodeFor('x') === b.name ? b : c)
  await cluster.clock.elapse(30_000)
  t.equal(starts.length, 11)
  t.equal((await onC.children()).size, 0)
})

test('a child of a dead node that chooses not to start again is not tried again', async (t) => {
  const cluster = new MemoryCluster(t)
  const starts: Pid[] = []
  const Scripted = scriptedClass(['ok', 'ignore'], starts)
  const { a, onA, onB } = await pair(cluster, Scripted)
  await cluster.during(onA.startChild([Scripted, { name: 'x' }], a.name))
  await cluster.settle()
  await cluster.kill(a)
  await cluster.clock.elapse(5_000)
  t.equal(starts.length, 2)
  t.equal((await onB.children()).size, 0)
})

test('a child that chose not to start again after a crash does not start when its node dies', async (t) => {
  const cluster = new MemoryCluster(t)
  const starts: Pid[] = []
  const Scripted = scriptedClass(['ok', 'ignore'], starts)
  const { a, onA, onB } = await pair(cluster, Scripted)
  const { pid } = await cluster.during(onA.startChild([Scripted, { name: 'x' }], a.name))
  a.exit(pid, atom('kill'))
  await cluster.until(() => starts.length === 2)
  await cluster.settle()
  await cluster.kill(a)
  await cluster.clock.elapse(5_000)
  t.equal(starts.length, 2)
  t.equal((await onB.children()).size, 0)
})

for (const how of ['is ended', 'leaves with its node'] as const) {
  test(`a child that ${how} while it waits for its next restart does not start elsewhere`, async (t) => {
    const cluster = new MemoryCluster(t)
    const starts: Pid[] = []
    // What the second start begins reaches the supervisor before its note to try a third time.
    const endings: Promise<unknown>[] = []
    const Scripted = scriptedClass(['ok', () => void endings.push(end())], starts)
    const { a, onA, onB } = await pair(cluster, Scripted)
    const { pid } = await cluster.during(onA.startChild([Scripted, { name: 'x' }], a.name))
    const end = (): Promise<unknown> => (how === 'is ended' ? onA.terminateChild(pid) : onA.stop())
    await cluster.settle()
    a.exit(pid, atom('kill'))
    await cluster.until(() => starts.length === 2)
    await cluster.during(Promise.all(endings))
    await cluster.settle()
    await cluster.kill(a)
    await cluster.clock.elapse(5_000)
    t.equal(starts.length, 2)
    t.equal((await onB.children()).size, 0)
  })
}

test('a child that starts under the name of one whose end is not handled yet survives its node', async (t) => {
  const cluster = new MemoryCluster(t)
  let open: () => void = () => {}
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  const starts: Pid[] = []
  const Scripted = scriptedClass([], starts, gate)
  const { a, b, onA, onB } = await pair(cluster, Scripted)
  const { pid } = await cluster.during(onA.startChild([Scripted, { name: 'x' }], a.name))
  // The supervisor is busy; behind that wait a start under the same name, and then the end of its owner.
  const slow = onA.startChild([Scripted, { name: 'slow', slow: true }], a.name)
  await cluster.until(() => starts.length === 2)
  const again = onA.startChild([Scripted, { name: 'x' }], a.name)
  await cluster.settle()
  a.exit(pid, atom('kill'))
  await cluster.settle()
  open()
  await cluster.during(Promise.all([slow, again]))
  await cluster.settle()
  t.equal(onA.localChildren().length, 2)
  await cluster.kill(a)
  await cluster.clock.elapse(5_000)
  t.equal((await onB.whereis('x'))?.node, b.name)
  t.equal((await onB.children()).size, 2)
})

test('a name is free, and nobody is found under it, as soon as its child was ended', async (t) => {
  const cluster = new MemoryCluster(t)
  const Scripted = scriptedClass([])
  const { a, onA } = await pair(cluster, Scripted)
  const { pid } = await cluster.during(onA.startChild([Scripted, { name: 'x' }], a.name))
  const after: unknown[] = []
  await cluster.during(
    onA.terminateChild(pid).then(async () => {
      after.push(await onA.whereis('x'), (await onA.children()).size, await onA.whois(pid), onA.send('x', 1))
      await onA.startChild([Scripted, { name: 'x' }], a.name)
    }),
  )
  t.same(after, [undefined, 0, undefined, false])
})

test('a node that stops while it passes on a start ends in order', async (t) => {
  const cluster = new MemoryCluster(t)
  const starts: Pid[] = []
  const Scripted = scriptedClass([], starts, new Promise<void>(() => {}))
  const [a, b, c] = await cluster.start('a', 'b', 'c')
  await cluster.during(supervise(b))
  await cluster.during(supervise(c, { modules: { Scripted } }))
  await cluster.settle()
  const spec = new Map<Term, Term>([
    [atom('id'), 1],
    [atom('start'), tuple(alias('Scripted'), atom('start_link'), [[tuple(atom('slow'), true)]]) as Term],
  ])
  const answer = a.rpc.blockCall(
    b.name,
    alias('DynamicSupervisor'),
    'start_child',
    [alias('DS.DynamicSupervisor'), spec],
    { timeout: 'infinity' },
  )
  const failed = t.rejects(cluster.during(answer), { name: 'RpcError' })
  await cluster.until(() => starts.length === 1)
  const complaints: unknown[] = []
  const complain = (error: unknown): void => void complaints.push(error)
  process.prependListener('unhandledRejection', complain)
  t.teardown(() => process.off('unhandledRejection', complain))
  await cluster.leave(b)
  await failed
  // Rejections nobody handled are told once the microtasks are done.
  await new Promise((resolve) => setImmediate(resolve))
  t.same(complaints, [])
})

test('a child that two nodes had when one died does not return with that node after it was ended', async (t) => {
  const cluster = new MemoryCluster(t)
  const Scripted = scriptedClass([])
  const { a, b, onA, onB } = await pair(cluster, Scripted)
  const both = [
    onA.startChild([Scripted, { name: 'x' }], a.name),
    onB.startChild([Scripted, { name: 'x' }], b.name),
  ]
  await cluster.during(Promise.all(both))
  await cluster.kill(a)
  await cluster.clock.elapse(3_000)
  await cluster.during(onB.terminateChild(await onB.whereis('x')))
  const again = await cluster.add('a')
  await cluster.during(supervise(again, { modules: { Scripted } }))
  await cluster.settle()
  await cluster.kill(again)
  await cluster.clock.elapse(5_000)
  t.equal((await onB.children()).size, 0)
})

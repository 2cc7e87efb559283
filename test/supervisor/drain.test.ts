import { test } from 'tap'
import type { BeamNode } from '../../src/beam-node.ts'
import { atom, type Pid, type Term, Tuple, tuple } from '../../src/etf/index.ts'
import { GenServer, noreply, reply, type ServerClass } from '../../src/runtime/index.ts'
import type { DistributedSupervisor, DistributedSupervisorOptions } from '../../src/supervisor/index.ts'
import { MemoryCluster } from '../support/memory-cluster.ts'
import { nameOn, supervise } from './distributed.ts'

interface Life {
  readonly what: 'started' | 'ended'
  readonly pid: Pid
  readonly options: Readonly<Record<string, unknown>>
}

/** Counters that hand over what they have counted, and write their lives down. */
function movingClass(lives: Life[] = []) {
  return class Moving extends GenServer<{ n: number; options: Record<string, unknown> }> {
    override init(options: unknown) {
      this.self.trapExit = true
      const given = options as Record<string, unknown>
      lives.push({ what: 'started', pid: this.pid, options: given })
      const handedOver = given['handoff'] as number | undefined
      return { n: handedOver ?? (given['start'] as number | undefined) ?? 0, options: given }
    }

    override handleCall(
      request: Term,
      _from: unknown,
      state: { n: number; options: Record<string, unknown> },
    ) {
      if (request === atom('node')) return reply(this.pid.node, state)
      return reply(state.n, state)
    }

    override handleCast(_request: Term, state: { n: number; options: Record<string, unknown> }) {
      return noreply({ ...state, n: state.n + 1 })
    }

    override handoff({ n }: { n: number }) {
      return n
    }

    override terminate(_reason: Term, { options }: { options: Record<string, unknown> }): void {
      lives.push({ what: 'ended', pid: this.pid, options })
    }
  }
}

class Plain extends GenServer<unknown> {
  override init(options: unknown): unknown {
    return options
  }

  override handleCall(_request: Term, _from: unknown, state: unknown) {
    return reply(Object.keys(state as object), state)
  }
}

async function fleet(
  cluster: MemoryCluster,
  modules: Record<string, ServerClass>,
  options: Partial<DistributedSupervisorOptions> = {},
): Promise<{ nodes: BeamNode[]; all: DistributedSupervisor[] }> {
  const nodes: BeamNode[] = await cluster.start('a', 'b', 'c')
  const all: DistributedSupervisor[] = []
  for (const node of nodes) all.push(await cluster.during(supervise(node, { modules, ...options })))
  await cluster.settle()
  return { nodes, all }
}

test('a drain hands every child over with its state, the old instance gone before the new one starts', async (t) => {
  const cluster = new MemoryCluster(t)
  const lives: Life[] = []
  const Moving = movingClass(lives)
  const { nodes, all } = await fleet(cluster, { Moving })
  const [a, b, c] = all as [DistributedSupervisor, DistributedSupervisor, DistributedSupervisor]
  const names: string[] = []
  for (let i = 0; i < 30; i++) {
    const { name } = await cluster.during(b.startChild([Moving, { name: `child ${i}`, start: i }]))
    names.push(name as string)
  }
  for (const name of names) b.cast(name, 'inc')
  await cluster.settle()
  const mine = a.localChildren().length
  t.ok(mine > 3)
  lives.length = 0
  const seen: Term[] = []
  const { moved, left } = await cluster.during(
    a.drain({ concurrency: 4, onChild: ({ name }) => seen.push(name as Term) }),
  )
  t.same(left, [])
  t.equal(moved.length, mine)
  t.same(
    seen,
    moved.map(({ name }) => name),
  )
  await cluster.settle()
  t.equal(lives.filter(({ what }) => what === 'started').length, mine)
  for (const { name, pid, movedTo } of moved) {
    t.equal(pid.node, nodes[0]!.name)
    t.same(await b.whereis(name as string), movedTo)
    t.not(movedTo?.node, nodes[0]!.name)
    const [ended, started] = lives.filter((life) => life.pid.equals(pid) || life.pid.equals(movedTo))
    t.equal(ended?.what, 'ended')
    t.equal(started?.what, 'started')
    const i = Number(String(name).split(' ')[1])
    t.same(
      started?.options,
      { start: i, handoff: i + 1 },
      'with what it was started with and what was left for it',
    )
    t.equal(await cluster.during(c.call(name as string, 'get')), i + 1)
  }
  await cluster.clock.elapse(5_000)
  t.equal((await b.children()).size, names.length)
  t.same(await c.children(), await b.children())
  t.same(await cluster.during(a.drain()), { moved, left }, 'the same when asked again')
  await cluster.during(a.stop())
  // The specification is the original one: what was handed over counted once.
  const { name, movedTo } = moved[0]!
  lives.length = 0
  nodes.find((node) => node.name === movedTo?.node)?.exit(movedTo as Pid, atom('kill'))
  await cluster.until(() => lives.length === 1)
  t.same(lives[0]?.options, { start: Number(String(name).split(' ')[1]) })
})

test('a class without a handoff moves with its options alone', async (t) => {
  const cluster = new MemoryCluster(t)
  const { nodes, all } = await fleet(cluster, { Plain })
  const [a, b] = all as [DistributedSupervisor, DistributedSupervisor]
  const name = nameOn(a, nodes[0]!.name)
  await cluster.during(a.startChild([Plain, { name, some: 'option' }]))
  const { moved } = await cluster.during(a.drain())
  t.equal(moved.length, 1)
  t.same(await cluster.during(b.call(name, 'options')), ['some'])
})

test('a handoff that throws, or that is no term, moves the child without state', async (t) => {
  const cluster = new MemoryCluster(t)
  class Throwing extends Plain {
    override handoff(): never {
      throw new Error('no')
    }
  }
  class Odd extends Plain {
    override handoff() {
      return (() => {}) as never
    }
  }
  const { nodes, all } = await fleet(cluster, { Throwing, Odd })
  const [a, b] = all as [DistributedSupervisor, DistributedSupervisor]
  for (const server of [Throwing, Odd]) {
    await cluster.during(a.startChild([server, { name: server.name }], nodes[0]!.name))
  }
  const { moved, left } = await cluster.during(a.drain())
  t.same(left, [])
  t.equal(moved.length, 2)
  for (const name of ['Throwing', 'Odd']) t.same(await cluster.during(b.call(name, 'options')), [])
})

test('what no other node can run, and what cannot leave, is told and ends with the node', async (t) => {
  const cluster = new MemoryCluster(t)
  const [one, two] = await cluster.start('a', 'b')
  const Moving = movingClass()
  const a = await cluster.during(supervise(one, { modules: { Plain, Moving } }))
  const b = await cluster.during(supervise(two, { modules: { Moving } }))
  await cluster.settle()
  await cluster.during(a.startChild([Plain, { name: 'alone' }]))
  await cluster.during(a.startChild([Moving, { name: 'private', secret: () => {} }], one.name))
  const { moved, left } = await cluster.during(a.drain())
  t.same(moved, [])
  const alone = left.find(({ name }) => name === 'alone')
  t.same(alone?.reason, tuple(atom('undef'), atom('Elixir.Plain')))
  t.ok(left.find(({ name }) => name === 'private')?.reason instanceof Tuple)
  await cluster.clock.elapse(5_000)
  t.equal((await b.children()).size, 0)
})

test('when the time is over the rest is left to the other nodes, which start it anew', async (t) => {
  for (const how of ['timeout', 'aborted']) {
    await t.test(how, async (t) => {
      const cluster = new MemoryCluster(t)
      const starts: Pid[] = []
      class Slow extends Plain {
        override init(options: unknown) {
          this.self.trapExit = true
          starts.push(this.pid)
          return options
        }

        override async terminate() {
          await new Promise<void>((resolve) => cluster.clock.after(2_000, resolve))
        }
      }
      const { nodes, all } = await fleet(cluster, { Slow })
      const [a, b] = all as [DistributedSupervisor, DistributedSupervisor]
      for (let i = 0; i < 4; i++) {
        await cluster.during(a.startChild([Slow, { name: i }], nodes[0]!.name))
      }
      const abort = new AbortController()
      cluster.clock.after(3_000, () => how === 'aborted' && abort.abort())
      const { moved, left } = await cluster.during(
        a.drain({ concurrency: 1, timeout: how === 'timeout' ? 3_000 : 60_000, signal: abort.signal }),
      )
      t.equal(moved.length, 1)
      t.same(
        left.map(({ reason }) => reason),
        [1, 2, 3].map(() => atom(how)),
      )
      await cluster.clock.elapse(8_000)
      t.equal((await b.children()).size, 4)
      t.equal(starts.length, 8, 'each started once more')
    })
  }
})

test('a node that drains is no home: what is started goes to others', async (t) => {
  const cluster = new MemoryCluster(t)
  class Sticky extends Plain {
    override async terminate() {
      await new Promise<void>((resolve) => cluster.clock.after(1_000, resolve))
    }

    override init(options: unknown) {
      this.self.trapExit = true
      return options
    }
  }
  const { nodes, all } = await fleet(cluster, { Sticky })
  const [a, b] = all as [DistributedSupervisor, DistributedSupervisor]
  await cluster.during(a.startChild([Sticky, { name: 'first' }], nodes[0]!.name))
  const draining = a.drain()
  await cluster.settle()
  const name = nameOn(b, nodes[0]!.name, 'new')
  const started = await cluster.during(b.startChild([Sticky, { name }]))
  t.not(started.pid.node, nodes[0]!.name)
  const chosen = await cluster.during(b.startChild([Sticky, { name: 'chosen' }], nodes[0]!.name))
  t.not(chosen.pid.node, nodes[0]!.name, 'also when somebody chose it')
  const own = await cluster.during(a.startChild([Sticky, { name: nameOn(a, nodes[0]!.name, 'own') }]))
  t.not(own.pid.node, nodes[0]!.name)
  const { moved, left } = await cluster.during(draining)
  t.same([moved.length, left.length], [1, 0])
})

test('stop during a drain ends it', async (t) => {
  const cluster = new MemoryCluster(t)
  const Moving = movingClass()
  const { nodes, all } = await fleet(cluster, { Moving })
  const [a, b] = all as [DistributedSupervisor, DistributedSupervisor]
  for (let i = 0; i < 40; i++) await cluster.during(a.startChild([Moving, { name: i }], nodes[0]!.name))
  const draining = a.drain({ concurrency: 1 })
  await cluster.during(a.stop())
  const { moved } = await cluster.during(draining)
  await cluster.clock.elapse(5_000)
  t.equal((await b.children()).size >= moved.length, true)
})

test('options of a drain that make no sense are refused', async (t) => {
  const cluster = new MemoryCluster(t)
  const { all } = await fleet(cluster, { Plain })
  await t.rejects(all[0]!.drain({ timeout: Number.POSITIVE_INFINITY }), { name: 'OptionError' })
  await t.rejects(all[0]!.drain({ concurrency: 0 }), { name: 'OptionError' })
})

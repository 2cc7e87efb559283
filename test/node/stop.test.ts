import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { test } from 'tap'
import { freePort } from '../../interop/support/wait.ts'
import { EpmdServer } from '../../src/epmd/index.ts'
import { atom, type Term, tuple } from '../../src/etf/index.ts'
import type { BeamNode } from '../../src/index.ts'
import type { NodeOptions } from '../../src/node/index.ts'
import { GenServer, noreply } from '../../src/runtime/index.ts'
import { FakeClock } from '../../src/testing/index.ts'
import { RawPeer } from '../dist/pair.ts'
import { BarePeer } from '../support/bare-peer.ts'
import { failure, nodeEvents, TestNodes } from '../support/two-nodes.ts'

const A = atom('a@a')
const B = atom('b@b')

/** A process that takes no notice of being asked to end. */
function neverEnds(node: BeamNode): void {
  node.spawn(async (self) => {
    self.trapExit = true
    await self.receive(() => false)
  })
}

test('a node that stops leaves its peers, gives its name back, and can stop twice', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair()
  const [atA, atB] = [nodeEvents(a), nodeEvents(b)]
  const stopping = a.stop()
  t.equal(a.stop(), stopping)
  await stopping
  await a.stop()
  await nodes.settle()
  t.same(atA, ['down b@b disconnect'])
  t.same(atB, ['down a@a connection_closed'])
  t.same(a.nodes(), [])
  const again = await nodes.start('a')
  await nodes.join(b, again)
  t.same(b.nodes(), [A])
})

test('an embedded epmd ends with its node', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a')
  await a.stop()
  const epmd = await EpmdServer.listen({ network: nodes.network.host('a'), clock: nodes.clock })
  t.same(epmd.names(), [])
  await epmd.close()
})

test('nothing is left on the clock when all nodes have stopped', async (t) => {
  const clock = new FakeClock()
  const nodes = new TestNodes(t, { clock })
  const [a, b] = await nodes.pair({ connect: ['c@c'] })
  void a.connect('d@b').catch(() => {})
  a.monitor(b.self)
  a.call(b.self, 'never answered').catch(() => {})
  await nodes.stop()
  await nodes.settle()
  t.equal(clock.pending, 0)
})

test('a stopped node connects to nobody and is connected to by nobody', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair({}, { listen: { port: 9100 } })
  const c = await nodes.start('c', { resolver: { resolve: async () => ({ host: 'b', port: 9100 }) } })
  await b.stop()
  await nodes.settle()
  t.match(await failure(b.connect(A)), { code: 'ERR_NODE_STOPPED' })
  t.match(await failure(a.connect(B)), { code: 'ERR_EPMD_UNREACHABLE' })
  t.match(await failure(c.connect(B)), { code: 'ERR_NET_REFUSED' })
  t.equal(await b.ping(A), 'pang')
  t.equal(b.disconnect(A), false)
})

test('what plain code asks of a stopped node fails at once', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair()
  await a.stop()
  t.match(await failure(a.call(b.self, 'hi')), { code: 'ERR_RUNTIME_EXITED' })
  t.match(await failure(a.rpc.call(B, 'm', 'f', [])), { code: 'ERR_RUNTIME_STOPPED' })
  t.match(await failure(a.rpc.call(a.name, 'm', 'f', [])), { code: 'ERR_RUNTIME_STOPPED' })
  t.throws(() => a.spawn(() => {}), { code: /ERR_RUNTIME_(STOPPED|EXITED)/ })
  a.send(b.self, 'hi')
  a.cast(b.self, 'hi')
})

test('a call that waits when its own node stops fails, and does not end the program', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair()
  const call = failure(a.call(b.self, 'never answered', { timeout: 'infinity' }))
  await a.stop()
  t.match(await call, { code: 'ERR_RUNTIME_EXITED' })
})

test('a remote call that waits when its own node stops fails, wherever the function runs', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair()
  for (const node of [a, b]) node.rpc.expose('m', { never: () => new Promise(() => {}) })
  const infinity = { timeout: 'infinity' } as const
  const there = failure(a.rpc.call(b.name, 'm', 'never', [], infinity))
  const here = failure(a.rpc.call(a.name, 'm', 'never', [], infinity))
  const all = a.rpc.multicall(undefined, 'm', 'never', [], infinity)
  await nodes.settle()
  const early = failure(a.rpc.call(b.name, 'm', 'never', [], infinity))
  await nodes.during(a.stop(), 1000)
  t.match(await there, { code: 'ERR_RUNTIME_EXITED' })
  t.match(await here, { code: /ERR_RUNTIME_EXITED|ERR_RPC_EXIT/ })
  t.match(await early, { code: /ERR_RPC_NODEDOWN|ERR_RUNTIME_EXITED/ })
  t.match(await all, [{ status: 'rejected' }, { status: 'rejected' }])
})

test('everything that was sent before a stop arrives, however much it is', async (t) => {
  const nodes = new TestNodes(t, { delay: 3 })
  const [a, b] = await nodes.pair()
  const got: Term[] = []
  b.runtime.onMessage = (message) => void got.push(message)
  for (let n = 0; n < 5; n++) a.send(b.self, new Uint8Array(1024 * 1024).fill(255))
  a.send(b.self, 'end')
  await nodes.during(a.stop(), 1)
  await nodes.elapse(100)
  t.equal(got.length, 6)
  t.equal(got[5], 'end')
})

test('processes end in order before the connections do: others hear why', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair()
  const ended: string[] = []
  class Server extends GenServer<null> {
    override init() {
      this.self.trapExit = true
      return null
    }

    override handleInfo() {
      return noreply(null)
    }

    override terminate(reason: Term) {
      ended.push(`terminate ${reason}`)
    }
  }
  const pid = await a.startLink(Server)
  b.monitor(pid, (reason) => void ended.push(`down ${reason}`))
  await nodes.settle()
  await a.stop()
  await nodes.settle()
  t.same(ended, ['terminate shutdown', 'down shutdown'])
})

test('what every node serves goes on until the other processes have ended', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair()
  for (const node of [a, b]) node.rpc.expose('m', { double: (n) => Number(n) * 2 })
  const scope = a.pg()
  const seen = b.pg()
  const answers: unknown[] = []
  class Server extends GenServer<null> {
    override init() {
      this.self.trapExit = true
      return null
    }

    override async terminate() {
      answers.push(
        await b.ping(a.name),
        await a.rpc.call(b.name, 'm', 'double', [2]),
        await b.rpc.call(a.name, 'm', 'double', [4]),
        a.global.whereis('server') !== undefined,
        seen.members('servers').length,
      )
      await a.global.unregister('server')
      scope.leave('servers', this.pid)
      await nodes.until(() => seen.members('servers').length === 0)
      answers.push(b.global.whereis('server'))
    }
  }
  const pid = await a.startLink(Server)
  const ends: string[] = []
  b.monitor(pid, (reason) => void ends.push(`server ${reason}`))
  for (const service of ['net_kernel', 'rex', 'global_name_server', 'user', 'pg'])
    b.monitor([service, a.name], (reason) => void ends.push(`${service} ${reason}`))
  await nodes.during(a.global.sync())
  t.ok(await nodes.during(a.global.register('server', pid)))
  scope.join('servers', pid)
  await nodes.until(() => seen.members('servers').length === 1)
  await nodes.during(a.stop())
  await nodes.settle()
  t.same(answers, ['pong', 4, 8, true, 1, undefined])
  t.equal(ends[0], 'server shutdown')
  t.equal(ends.length, 6)
})

test('what other nodes have asked for goes on as long as the processes of the node end', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair()
  let finish = (_value: string): void => {}
  const work = new Promise<string>((resolve) => {
    finish = resolve
  })
  a.rpc.expose('m', { work: () => work })
  class Slow extends GenServer<null> {
    override init() {
      this.self.trapExit = true
      return null
    }

    override async terminate() {
      await nodes.settle()
      finish('done')
      await nodes.settle()
    }
  }
  await a.startLink(Slow)
  const infinity = { timeout: 'infinity' } as const
  const request = tuple(atom('call'), atom('m'), atom('work'), [], b.self)
  const answers = Promise.all([
    b.rpc.call(a.name, 'm', 'work', [], infinity),
    b.call(['rex', a.name], request, infinity),
  ])
  await nodes.settle()
  await a.stop()
  t.same(await answers, ['done', 'done'])
})

test('what other nodes go on asking does not hold a stop up', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair()
  a.rpc.expose('m', { never: () => new Promise(() => {}) })
  const ask = (): void =>
    void b.rpc
      .call(a.name, 'm', 'never', [], { timeout: 'infinity' })
      .catch(() => b.nodes().length > 0 && ask())
  ask()
  b.call(['rex', a.name], tuple(atom('call'), atom('m'), atom('never'), [], b.self), {
    timeout: 'infinity',
  }).catch(() => {})
  await nodes.settle()
  const before = nodes.clock.now()
  await a.stop()
  t.equal(nodes.clock.now(), before)
})

test('a process that outlives who started it is asked to end as well', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a')
  class Parent extends GenServer<null> {
    override init() {
      this.self.trapExit = true
      this.self.spawn((self) => self.receive(() => false))
      return null
    }
  }
  await a.startLink(Parent)
  const before = nodes.clock.now()
  await nodes.during(a.stop())
  t.equal(nodes.clock.now(), before)
})

test('a node that stops has nobody cut off for a connection that it loses meanwhile', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a')
  // It would itself have `c` leave `a`.
  const b = await nodes.start('b', { preventOverlappingPartitions: false } as Partial<NodeOptions>)
  const c = await nodes.start('c')
  for (const other of [b, c]) await nodes.join(a, other)
  await nodes.join(b, c)
  for (const node of [a, b, c]) await nodes.during(node.global.sync())
  neverEnds(a)
  await nodes.settle()
  const stopping = a.stop()
  await nodes.settle()
  b.disconnect(A)
  await nodes.settle()
  t.same(c.nodes().map(String).sort(), ['a@a', 'b@b'])
  await nodes.during(stopping)
})

test('a process that does not end holds the stop up for five seconds, not longer', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a')
  neverEnds(a)
  await nodes.settle()
  const started = nodes.clock.now()
  await nodes.during(a.stop())
  t.ok(nodes.clock.now() - started <= 5200)
})

test('a node that is stopping takes no new connections', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a', { listen: { port: 9100 } })
  const b = await nodes.start('b', { resolver: { resolve: async () => ({ host: 'a', port: 9100 }) } })
  neverEnds(a)
  await nodes.settle()
  const stopping = a.stop()
  await nodes.settle()
  t.match(await failure(b.connect(A)), { code: 'ERR_NET_REFUSED' })
  await nodes.during(stopping)
})

test('a stop gives up what is being dialed, at every stage, and does not wait for it', async (t) => {
  const stages: Record<string, (nodes: TestNodes) => Promise<unknown>> = {
    'while epmd is asked': async (nodes) => nodes.network.cut('a', 'p'),
    'while the stream is opened': async (nodes) => nodes.network.cut('a', 'p'),
    'while the peer is silent': async (nodes) => {
      const peer = new BarePeer({ name: 'p@p', network: nodes.network.host('p'), clock: nodes.clock })
      await nodes.network
        .host('p')
        .listen({ host: '', port: 9100 }, (transport) => void new RawPeer(transport))
      return peer
    },
    'while the attempt of the peer is awaited': async (nodes) => {
      const peer = new BarePeer({ name: 'p@p', network: nodes.network.host('p'), clock: nodes.clock })
      await nodes.network
        .host('p')
        .listen({ host: '', port: 9100 }, (transport) => void peer.accept(transport, 'nok').catch(() => {}))
    },
  }
  for (const [stage, prepare] of Object.entries(stages)) {
    const nodes = new TestNodes(t)
    const direct = { resolver: { resolve: async () => ({ host: 'p', port: 9100 }) } }
    const a = await nodes.start('a', stage.includes('epmd') ? {} : direct)
    nodes.network.host('p')
    await prepare(nodes)
    const dial = failure(a.connect('p@p'))
    await nodes.settle()
    const before = nodes.clock.now()
    await a.stop()
    t.match(await dial, { code: 'ERR_NODE_STOPPED' }, stage)
    t.equal(nodes.clock.now(), before, stage)
  }
})

test('a stop breaks off the handshakes of others', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a')
  const peer = new RawPeer(await nodes.network.host('p').connect({ host: 'a', port: a.port }))
  await nodes.settle()
  await a.stop()
  await peer.untilClosed()
  t.equal(peer.received.length, 0)
})

test('a start that fails leaves nothing behind', async (t) => {
  const clock = new FakeClock()
  const nodes = new TestNodes(t, { clock })
  const first = await nodes.start('ts@box', { listen: { port: 9100 } })
  t.match(await failure(nodes.start('ts@box', { listen: { port: 9101 } })), { code: 'ERR_EPMD_NAME_TAKEN' })
  const second = await nodes.start('other@box', { listen: { port: 9101 } })
  await nodes.join(first, second)
  await nodes.stop()
  t.equal(clock.pending, 0)
})

test('a node is disposed of at the end of its block', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a')
  await a[Symbol.asyncDispose]()
  t.match(await failure(a.connect(B)), { code: 'ERR_NODE_STOPPED' })
})

test('a program that stops its nodes ends by itself', async (t) => {
  const script = fileURLToPath(new URL('../support/start-and-stop.ts', import.meta.url))
  const run = promisify(execFile)
  const { stdout } = await run(process.execPath, ['--import=tsx', script, String(await freePort())], {
    timeout: 30_000,
  })
  t.equal(stdout, 'stopped\n')
})

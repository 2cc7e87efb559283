/** `startNode` and the node as users see it. */
import { type Test, test } from 'tap'
import { freePort } from '../interop/support/wait.ts'
import { silentLogger } from '../src/core/index.ts'
import { atom, type Encodable, type Term } from '../src/etf/index.ts'
import { type From, GenServer, reply } from '../src/runtime/index.ts'
import { startNode } from '../src/start.ts'
import { failure, nodeEvents, TestNodes } from './support/two-nodes.ts'

const B = atom('b@b')

class Counter extends GenServer<number> {
  override init({ start = 0 }: { start?: number } = {}) {
    return start
  }

  override handleCall(_request: Term, _from: From, count: number) {
    return reply(count, count + 1)
  }
}

test('a node has a name, a port and a process for plain code', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a', { listen: { port: [9100, 9105] } })
  t.equal(a.name, atom('a@a'))
  t.equal(a.port, 9100)
  t.equal(a.self.node, a.name)
  t.ok(a.runtime.isAlive(a.self))
  t.equal(String(a), '#BeamNode<a@a>')
  t.ok(a.hasEmbeddedEpmd)
  t.same(a.nodes(), [])
})

test('a node runs what other nodes expect of every node', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a')
  for (const name of ['net_kernel', 'rex']) t.ok(a.whereis(name), name)
})

test('what other nodes expect of every node starts again when somebody kills it', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair()
  b.rpc.expose('m', { double: (n) => Number(n) * 2 })
  for (const name of ['net_kernel', 'rex', 'logger_proxy']) {
    const killed = b.whereis(name)
    if (killed !== undefined) a.exit(killed, atom('kill'))
    await nodes.until(() => b.whereis(name)?.equals(killed) === false, `${name} to run again`)
  }
  t.equal(await a.ping(b.name), 'pong')
  t.equal(await a.rpc.blockCall(b.name, 'm', 'double', [4]), 8)
  t.equal(nodes.complaints().length, 3)
})

test('ping is pong for a node that answers, and for this one; pang for any other', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a')
  const b = await nodes.start('b')
  t.equal(await a.ping('b@b'), 'pong')
  t.same(a.nodes(), [B])
  t.equal(await a.ping(B), 'pong')
  t.equal(await b.ping(a.name), 'pong')
  t.equal(await a.ping(a.name), 'pong')
  for (const nobody of ['c@b', 'b@c', 'no node name', '', 'x'.repeat(300)]) {
    t.equal(await nodes.during(a.ping(nobody)), 'pang', nobody.slice(0, 20))
  }
})

test('ping is pang for a node that is connected and does not answer', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair()
  b.unregister('net_kernel')
  t.equal(await a.ping(B), 'pang')
  nodes.network.cut('a', 'b')
  t.equal(await nodes.during(a.ping(B)), 'pang')
})

test('listeners come and go', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a')
  const b = await nodes.start('b')
  const told: string[] = []
  const on = (): void => void told.push('on')
  t.equal(a.on('nodeup', on), a)
  t.equal(
    a.once('nodeup', () => void told.push('once')),
    a,
  )
  const off = a.onNodeUp((name, { type }) => void told.push(`${name} ${type}`))
  const offDown = a.onNodeDown((name, { type, reason }) => void told.push(`${name} ${type} ${reason}`))
  await nodes.join(a, b)
  t.same(told, ['on', 'once', 'b@b visible'])
  a.disconnect(B)
  t.same(told.splice(0), ['on', 'once', 'b@b visible', 'b@b visible disconnect'])
  a.off('nodeup', on)
  off()
  offDown()
  await nodes.join(a, b)
  a.disconnect(B)
  t.same(told, [])
})

/** What is thrown on purpose where nobody can catch it. */
function catchUncaught(t: Test): unknown[] {
  const caught: unknown[] = []
  const original = globalThis.queueMicrotask
  globalThis.queueMicrotask = (run) =>
    original(() => {
      try {
        run()
      } catch (error) {
        caught.push(error)
      }
    })
  t.teardown(() => {
    globalThis.queueMicrotask = original
  })
  return caught
}

test('a listener that throws is an uncaught error, and neither the node nor other listeners suffer', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a')
  const b = await nodes.start('b')
  const caught = catchUncaught(t)
  a.on('nodeup', () => {
    throw new Error('up')
  })
  a.once('nodedown', () => {
    throw new Error('down')
  })
  const events = nodeEvents(a)
  await nodes.join(a, b)
  t.equal(await b.ping(a.name), 'pong')
  nodes.network.reset('a', 'b')
  await nodes.settle()
  await nodes.join(b, a)
  t.same(
    caught.map((error) => (error as Error).message),
    ['up', 'down', 'up'],
  )
  t.same(events, ['up b@b', 'down b@b connection_closed', 'up b@b'])
  t.equal(await a.call(['rex', B], 'still works').then(String), '{badrpc, badarg}')
})

test('any number of listeners is welcome', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a')
  const warnings: Error[] = []
  const warn = (warning: Error): void => void warnings.push(warning)
  process.on('warning', warn)
  t.teardown(() => process.off('warning', warn))
  let told = 0
  for (let n = 0; n < 50; n++) a.onNodeUp(() => void told++)
  await nodes.join(a, await nodes.start('b'))
  t.equal(told, 50)
  t.same(warnings, [])
})

test('plain code starts, names, calls, watches and ends processes', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a')
  const pid = await a.startLink(Counter, { start: 5 }, { name: 'counter' })
  t.ok(a.whereis('counter')?.equals(pid))
  t.equal(await a.call('counter', atom('get')), 5)
  t.equal(await a.call(pid, atom('get')), 6)
  const spawned = a.spawn(Counter, { start: 9 })
  a.register('other', spawned)
  t.equal(await a.call(['other', a.name], atom('get')), 9)
  t.throws(() => a.register('other', pid), { code: 'ERR_RUNTIME_NAME_TAKEN' })
  t.equal(a.unregister('other'), true)
  t.equal(a.unregister('other'), false)
  t.equal(a.whereis('other'), undefined)
  t.match(await failure(a.startLink(Counter, {}, { name: 'counter' })), { code: 'ERR_RUNTIME_INIT' })

  const got: Term[] = []
  const listener = a.spawn(async (self, first: string) => {
    got.push(first)
    for (;;) got.push(await self.receive())
  }, 'first')
  a.send(listener, 'second')
  a.cast(listener, 'third')
  await nodes.until(() => got.length === 3)
  const reasons: Term[] = []
  a.monitor(listener, (reason) => void reasons.push(reason))
  a.demonitor(a.monitor(listener, () => void reasons.push('not any more')))
  a.link(listener)
  a.unlink(listener)
  a.exit(listener, atom('done'))
  await nodes.until(() => reasons.length === 1)
  t.same(reasons, [atom('done')])
  t.throws(() => a.send('nobody', 1), { code: 'ERR_RUNTIME_NO_NAME' })
})

test('options that make no sense end the start, before anything is opened', async (t) => {
  for (const options of [
    { name: 'a@b@c' },
    { cookie: '' },
    { epmdPort: 0 },
    { limits: { frameBytes: -1 } },
  ]) {
    t.match(await failure(startNode({ name: 'a@127.0.0.1', cookie: 'c', ...options })), {
      code: 'ERR_INVALID_OPTION',
    })
  }
})

test('a port that is taken ends the start', async (t) => {
  const nodes = new TestNodes(t)
  await nodes.start('a@box', { listen: { port: 9100 } })
  t.match(await failure(nodes.start('b@box', { listen: { port: 9100 } })), { code: 'ERR_NODE_LISTEN' })
  const c = await nodes.start('c@box', { listen: { port: [9100, 9101] } })
  t.equal(c.port, 9101)
})

test('two nodes in one process share nothing', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a')
  const b = await nodes.start('b')
  a.register(
    'name',
    a.spawn((self) => self.receive()),
  )
  t.equal(b.whereis('name'), undefined)
  a.rpc.expose('m', { f: () => 1 })
  t.match(await failure(b.rpc.call(b.name, 'm', 'f', [])), { code: 'ERR_RPC_EXIT' })
  await a.stop()
  t.equal(await b.ping(b.name), 'pong')
})

test('nodes work over TCP with an epmd of their own', async (t) => {
  const options = { cookie: 'secret', epmdPort: await freePort(), logger: silentLogger } as const
  const a = await startNode({ ...options, name: 'a@127.0.0.1' })
  t.teardown(() => a.stop())
  const b = await startNode({ ...options, name: 'b@127.0.0.1', connect: ['a@127.0.0.1'] })
  t.teardown(() => b.stop())
  t.same([a.hasEmbeddedEpmd, b.hasEmbeddedEpmd], [true, false])
  t.same(b.nodes(), [a.name])
  t.equal(await a.ping(b.name), 'pong')
  await b.startLink(Counter, { start: 1 }, { name: 'counter' })
  t.equal(await a.call(['counter', b.name], atom('get')), 1)
  const echo: Encodable = new Uint8Array(1024 * 1024).fill(250)
  b.rpc.expose('m', { echo: (term) => term })
  const echoed = await a.rpc.call(b.name, 'm', 'echo', [echo])
  t.ok(echoed instanceof Uint8Array && Buffer.compare(echoed, echo as Uint8Array) === 0)
  const other = await failure(startNode({ ...options, name: 'c@127.0.0.1', epmd: 'embedded' }))
  t.match(other, { code: 'ERR_EPMD_ADDRESS_IN_USE' })
  const wrong = await startNode({ ...options, name: 'w@127.0.0.1', cookie: 'wrong' })
  t.teardown(() => wrong.stop())
  t.match(await failure(wrong.connect(a.name)), { code: 'ERR_HANDSHAKE_CLOSED' })
  t.match(await failure(wrong.connect('nobody@127.0.0.1')), { code: 'ERR_NODE_UNKNOWN' })
})

test('a name on another loopback address is reachable there', async (t) => {
  const options = { cookie: 'secret', epmdPort: await freePort(), logger: silentLogger } as const
  const a = await startNode({ ...options, name: 'a@127.0.1.1' })
  t.teardown(() => a.stop())
  const b = await startNode({ ...options, name: 'b@127.0.0.1' })
  t.teardown(() => b.stop())
  await b.connect(a.name)
  t.same(a.nodes(), [b.name])
})

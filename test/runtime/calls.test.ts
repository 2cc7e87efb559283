import { type Test, test } from 'tap'
import { atom, Pid, Reference, type Term, Tuple, tuple } from '../../src/etf/index.ts'
import {
  CallError,
  type From,
  GenServer,
  noreply,
  type Process,
  reply,
  stop,
} from '../../src/runtime/index.ts'
import { type Cluster, cluster, settled, testRuntime } from './runtimes.ts'

/** Answers `{echo, X}`; never answers `silent`; keeps callers of `later` until told; stops for `{stop, R}`. */
class Echo extends GenServer<From[]> {
  init(): From[] {
    return []
  }

  override handleCall(request: Term, from: From, waiting: From[]) {
    if (request === 'silent') return noreply(waiting)
    if (request === 'later') return noreply([...waiting, from])
    if (request instanceof Tuple && request[0] === atom('stop')) return stop(request[1] as Term, waiting)
    return reply(request, waiting)
  }

  override handleCast(_request: Term, waiting: From[]) {
    for (const from of waiting) this.reply(from, 'at last')
    return noreply<From[]>([])
  }
}

function nothingLeft(t: Test, { a, b }: Cluster, server?: Pid): void {
  const none = { calls: 0, aliases: 0, remoteMonitors: 0, spawns: 0 }
  t.same(a.runtime.pending(), none)
  t.same(b.runtime.pending(), none)
  if (server !== undefined)
    t.same((a.runtime.processInfo(server) ?? b.runtime.processInfo(server))?.monitoredBy, [])
  t.equal(a.clock.pending, 0, 'no timer is left')
}

for (const across of [false, true]) {
  const where = across ? ' on another node' : ''

  test(`call/3 to a pid and to a name${where} resolves with the reply`, async (t) => {
    const nodes = cluster(t)
    const there = (across ? nodes.b : nodes.a).runtime
    const pid = await there.start(Echo, undefined, { name: 'echo' })
    t.equal(await nodes.a.runtime.call(pid, 'hi'), 'hi')
    t.equal(await nodes.a.runtime.call(['echo', there.node], 'ho'), 'ho')
    await settled()
    nothingLeft(t, nodes, pid)
  })

  test(`call/3 from a process${where} resolves with the reply and puts nothing in its mailbox`, async (t) => {
    const nodes = cluster(t)
    const pid = await (across ? nodes.b : nodes.a).runtime.start(Echo)
    let got: Term | undefined
    let left: number | undefined
    nodes.a.runtime.spawn(async (self) => {
      got = await self.call(pid, 5)
      left = nodes.a.runtime.processInfo(self.pid)?.messageQueueLength
    })
    await settled()
    t.equal(got, 5)
    t.equal(left, 0)
    nothingLeft(t, nodes, pid)
  })

  test(`call/3 to nobody${where} rejects with noproc`, async (t) => {
    const nodes = cluster(t)
    const there = (across ? nodes.b : nodes.a).runtime
    const dead = new Pid(there.node, 4711, 0, there.creation)
    const failure = { name: 'CallError', code: 'noproc', reason: atom('noproc') }
    await t.rejects(nodes.a.runtime.call(dead, 1), failure)
    await t.rejects(nodes.a.runtime.call(['nobody', there.node], 1), failure)
    nothingLeft(t, nodes)
  })

  test(`call/3 rejects with timeout, and the reply that comes later${where} vanishes`, async (t) => {
    const nodes = cluster(t)
    const messages: Term[] = []
    nodes.a.runtime.onMessage = (message) => messages.push(message)
    const pid = await (across ? nodes.b : nodes.a).runtime.start(Echo)
    const call = nodes.a.runtime.call(pid, 'later', { timeout: 200 })
    await settled()
    nodes.a.clock.advance(200)
    await t.rejects(call, { code: 'timeout', reason: atom('timeout') })
    await settled()
    nodes.a.runtime.cast(pid, 'answer')
    await settled()
    t.same(messages, [])
    nothingLeft(t, nodes, pid)
  })

  test(`call/3 rejects with exit and the reason when the server${where} ends first`, async (t) => {
    const nodes = cluster(t)
    const pid = await (across ? nodes.b : nodes.a).runtime.start(Echo)
    const request = tuple(atom('stop'), tuple(atom('oops'), 5))
    const error = await nodes.a.runtime.call(pid, request).catch((e) => e)
    t.equal(error.code, 'exit')
    t.equal(String(error.reason), '{oops, 5}')
    nothingLeft(t, nodes)
  })

  test(`call/3 is given up by an AbortSignal${where}`, async (t) => {
    const nodes = cluster(t)
    const pid = await (across ? nodes.b : nodes.a).runtime.start(Echo)
    const abort = new AbortController()
    const call = nodes.a.runtime.call(pid, 'silent', { signal: abort.signal })
    await settled()
    abort.abort(new Error('enough'))
    await t.rejects(call, { message: 'enough' })
    await t.rejects(nodes.a.runtime.call(pid, 1, { signal: abort.signal }), { message: 'enough' })
    await settled()
    nothingLeft(t, nodes, pid)
  })
}

test('the default timeout of call/3 is 5 seconds, and infinity sets no timer', async (t) => {
  const { runtime, clock } = testRuntime(t)
  const pid = await runtime.start(Echo)
  const endless = runtime.call(pid, 'later', { timeout: 'infinity' })
  t.equal(clock.pending, 0)
  const call = runtime.call(pid, 'silent')
  clock.advance(4999)
  await settled()
  t.equal(runtime.pending().calls, 2)
  clock.advance(1)
  await t.rejects(call, { code: 'timeout' })
  runtime.cast(pid, 'answer')
  t.equal(await endless, 'at last')
})

test('call/3 rejects with nodedown when the connection is lost', async (t) => {
  const nodes = cluster(t)
  const pid = await nodes.b.runtime.start(Echo, undefined, { name: 'echo' })
  const calls = [pid, ['echo', 'b@test'] as const].map((to) => nodes.a.runtime.call(to, 'silent'))
  await settled()
  nodes.cut()
  for (const call of calls) {
    const error = await call.catch((e) => e)
    t.equal(error.code, 'nodedown')
    t.equal(String(error.reason), '{nodedown, b@test}')
  }
  nothingLeft(t, nodes)
})

test('a process that calls itself is told so', async (t) => {
  const { runtime } = testRuntime(t)
  let error: unknown
  runtime.spawn(async (self) => {
    error = await self.call(self.pid, 1).catch((e) => e)
  })
  await settled()
  t.match(error, { code: 'exit', reason: atom('calling_self') })
})

test('a process that does not catch a failed call exits as in Elixir', async (t) => {
  const { runtime } = testRuntime(t)
  const pid = runtime.spawn(async (self) => {
    await self.call('nobody', atom('ping'))
  })
  const reason = await runtime.client.whenDown(pid)
  t.equal(String(reason), '{noproc, {Elixir.GenServer, call, nobody,ping,5000}}')
})

test('calls of a process that ends are given up and leave nothing', async (t) => {
  const nodes = cluster(t)
  const near = await nodes.a.runtime.start(Echo)
  const far = await nodes.b.runtime.start(Echo)
  const pid = nodes.a.runtime.spawn(async (self) => {
    // Nobody waits for this promise; its rejection must not end the program.
    self.call(near, 'silent')
    await self.call(far, 'silent')
  })
  await settled()
  t.equal(nodes.a.runtime.pending().calls, 2)
  nodes.a.runtime.exit(pid, atom('kill'))
  await settled()
  nothingLeft(t, nodes, far)
  t.same(nodes.a.runtime.processInfo(near)?.monitoredBy, [])
})

test('a request that is no term rejects and leaves nothing', async (t) => {
  const nodes = cluster(t)
  const pid = await nodes.b.runtime.start(Echo)
  await t.rejects(nodes.a.runtime.call(pid, Symbol('no') as unknown as Term), { name: 'EncodeError' })
  await settled()
  nothingLeft(t, nodes, pid)
})

test('a reply that comes to the pid, as {[alias|Ref], Reply}, is taken as well', async (t) => {
  const { a, b } = cluster(t)
  const server = b.runtime.spawn(async (self) => {
    const request = (await self.receive()) as unknown as [Term, [Pid, Term], Term]
    const [pid, tag] = [request[1][0], request[1][1]]
    self.send(pid, tuple(tag, 'to the pid'))
    self.send(pid, tuple(tag, 'twice'))
  })
  const messages: Term[] = []
  a.runtime.onMessage = (message) => messages.push(message)
  t.equal(await a.runtime.call(server, 1), 'to the pid')
  await settled()
  t.same(messages, [], 'the second one vanishes')
})

test('an old caller with a plain reference as tag gets {Ref, Reply}', async (t) => {
  const { a, b } = cluster(t)
  const pid = await b.runtime.start(Echo)
  let caller: Process | undefined
  const got: Term[] = []
  a.runtime.spawn(async (self) => {
    caller = self
    const ref = self.makeRef()
    self.send(pid, tuple(atom('$gen_call'), tuple(self.pid, ref), 'old'))
    got.push(ref, await self.receive())
  })
  await settled()
  const [ref, message] = got as [Reference, Tuple]
  t.ok(caller !== undefined)
  t.ok(message[0] instanceof Reference && ref.equals(message[0]))
  t.equal(message[1], 'old')
})

test('errors say who was called and why it failed', async (t) => {
  const { runtime } = testRuntime(t)
  const error = await runtime.call('nobody', 1).catch((e) => e)
  t.ok(error instanceof CallError)
  t.equal(error.message, 'call to :nobody failed: no such process is alive')
})

test('a call whose request is dropped on its way out fails with nodedown at once', async (t) => {
  const nodes = cluster(t)
  const { a } = nodes
  a.wire.drops = true
  await t.rejects(a.runtime.call(['echo', 'b@test'], 'hi', { timeout: 'infinity' }), {
    code: 'nodedown',
    reason: tuple(atom('nodedown'), atom('b@test')),
  })
  await settled()
  nothingLeft(t, nodes)
})

test('a process that ends while a registry is asked sends no request any more', async (t) => {
  const { runtime } = testRuntime(t)
  const server = await runtime.start(Echo)
  let found: ((pid: Pid) => void) | undefined
  const name = {
    whereis: () =>
      new Promise<Pid>((resolve) => {
        found = resolve
      }),
    register: () => true,
    unregister: () => {},
  }
  const caller = runtime.spawn(async (self) => {
    await self.call(name, 'silent', { timeout: 'infinity' })
  })
  await settled()
  runtime.exit(caller, atom('kill'))
  found?.(server)
  await settled()
  t.equal(runtime.pending().calls, 0)
  t.same(runtime.processInfo(server)?.monitoredBy, [])
})

test('the time of a call runs while a registry is asked, and its signal counts', async (t) => {
  const { clock, runtime } = testRuntime(t)
  const server = await runtime.start(Echo)
  let answer: (pid: Pid) => void = () => {}
  const name = {
    whereis: () => new Promise<Pid>((resolve) => (answer = resolve)),
    register: () => true,
    unregister: () => {},
  }
  const never = runtime.call(name, 'hi', { timeout: 1000 })
  clock.advance(1000)
  await t.rejects(never, { code: 'timeout' })
  const late = runtime.call(name, 'silent', { timeout: 1000 })
  clock.advance(900)
  answer(server)
  await settled()
  clock.advance(100)
  await t.rejects(late, { code: 'timeout' }, 'what the lookup took counts')
  const giveUp = new AbortController()
  const given = runtime.call(name, 'hi', { signal: giveUp.signal })
  giveUp.abort(new Error('enough'))
  await t.rejects(given, { message: 'enough' })
  const soon = runtime.call(name, 'hi', { timeout: 1000 })
  answer(server)
  t.equal(await soon, 'hi')
  await t.rejects(runtime.call(name, 'hi', { timeout: -1 }), { code: 'ERR_INVALID_OPTION' })
  t.equal(runtime.pending().calls, 0)
})

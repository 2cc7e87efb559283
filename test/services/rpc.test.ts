/** rpc between two nodes: what one exposes, the other calls. */
import { test } from 'tap'
import {
  atom,
  type Encodable,
  type ImproperList,
  Pid,
  type Reference,
  type Term,
  type Tuple,
  termEquals,
  tuple,
} from '../../src/etf/index.ts'
import { ExitError, type Process } from '../../src/runtime/index.ts'
import type { RpcError } from '../../src/services/index.ts'
import { BarePeer } from '../support/bare-peer.ts'
import { failure, type Teardown, TestNodes } from '../support/two-nodes.ts'

const M = 'Elixir.TsMath'
const EXIT = atom('EXIT')
const NONE = { calls: 0, aliases: 0, remoteMonitors: 0, spawns: 0 }

async function setUp(t: Teardown) {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair()
  return { nodes, a, b }
}

test('an exposed function is called from the other node, in both directions', async (t) => {
  const { a, b, nodes } = await setUp(t)
  for (const [caller, callee] of [
    [a, b],
    [b, a],
    [a, a],
  ] as const) {
    const take = callee.rpc.expose(M, { add: (x, y) => Number(x) + Number(y), later: async (x) => [x] })
    t.equal(await caller.rpc.call(callee.name, M, 'add', [1, 2]), 3)
    t.equal(await caller.rpc.call(callee.name.name, atom(M), atom('add'), [3, 4]), 7)
    t.same(await caller.rpc.call(callee.name, M, 'later', ['x']), ['x'])
    t.equal(await caller.rpc.blockCall(callee.name, M, 'add', [5, 6]), 11)
    take()
    t.match(await failure(caller.rpc.call(callee.name, M, 'add', [1, 2])), { code: 'ERR_RPC_EXIT' })
  }
  await nodes.settle()
  t.same([a.runtime.pending(), b.runtime.pending()], [NONE, NONE])
})

test('an exposed function knows who called it', async (t) => {
  const { a, b } = await setUp(t)
  b.rpc.expose(M, {
    who() {
      return this.caller
    },
  })
  const pid = a.self
  t.same(await a.rpc.call(b.name, M, 'who', []), pid)
  t.same(await a.rpc.blockCall(b.name, M, 'who', []), pid)
  t.same(await b.rpc.blockCall(b.name, M, 'who', []), b.self)
})

test('arguments and values are terms of every kind', async (t) => {
  const { a, b } = await setUp(t)
  b.rpc.expose(M, { echo: (term) => term, nothing: () => {} })
  for (const term of [null, tuple(1, [atom('x')]), new Map([[atom('k'), 'v']]), 2n ** 70n, b.self]) {
    t.ok(termEquals((await a.rpc.call(b.name, M, 'echo', [term])) as Term, term as Term), String(term))
  }
  t.equal(await a.rpc.call(b.name, M, 'nothing', []), null)
})

test('a function that is not exposed is undef, and nothing runs', async (t) => {
  const { a, b } = await setUp(t)
  for (const [module, fun] of [
    ['erlang', 'halt'],
    ['os', 'cmd'],
    ['Elixir.System', 'stop'],
    ['constructor', 'constructor'],
  ] as const) {
    const error = await failure(a.rpc.call(b.name, module, fun, [0]))
    t.match(error, {
      code: 'ERR_RPC_EXIT',
      reason: { 0: EXIT, 1: { 0: atom('undef'), 1: [{ 0: atom(module), 1: atom(fun), 2: [0], 3: [] }] } },
    })
    t.match(error.message, /failed: \{:EXIT, \{:undef/)
  }
})

test('a thrown value is ERR_RPC_THROW; of a block call it is the value, as with rpc of OTP', async (t) => {
  const { a, b } = await setUp(t)
  b.rpc.expose(M, {
    throws: () => {
      throw atom('thrown')
    },
  })
  for (const caller of [a, b]) {
    t.match(await failure(caller.rpc.call(b.name, M, 'throws', [])), {
      code: 'ERR_RPC_THROW',
      reason: atom('thrown'),
      exception: atom('thrown'),
      stacktrace: [],
    })
  }
  t.equal(await a.rpc.blockCall(b.name, M, 'throws', []), atom('thrown'))
})

test('an exit is ERR_RPC_EXIT with its reason, an error with its exception and stack', async (t) => {
  const { a, b } = await setUp(t)
  b.rpc.expose(M, {
    exits: () => {
      throw new ExitError(tuple(atom('shutdown'), 'enough'))
    },
    fails: () => {
      throw new TypeError('no such thing')
    },
  })
  for (const call of [
    () => a.rpc.call(b.name, M, 'exits', []),
    () => a.rpc.blockCall(b.name, M, 'exits', []),
    () => b.rpc.call(b.name, M, 'exits', []),
  ]) {
    t.match(await failure(call()), {
      name: 'RpcError',
      code: 'ERR_RPC_EXIT',
      reason: { 0: EXIT, 1: { 0: atom('shutdown'), 1: 'enough' } },
      message: /^TsMath\.exits\/0 on b@b failed: /,
    })
  }
  const error = await failure(a.rpc.call(b.name, M, 'fails', []))
  t.match(error, { code: 'ERR_RPC_EXIT' })
  t.match(error.message, /TypeError: no such thing/)
  t.match(String((error as RpcError).exception), /object Map/)
  t.match((error as RpcError).stacktrace[0], { length: 4 })
})

test('a value that has no term is an error of the call, and the connection stays', async (t) => {
  const { a, b } = await setUp(t)
  b.rpc.expose(M, {
    bad: () => [1, Symbol('no term')],
    throwsBad: () => {
      throw Symbol('no term')
    },
    exitsBad: () => {
      throw new ExitError(Symbol('no term') as unknown as Encodable)
    },
  })
  for (const fun of ['bad', 'throwsBad', 'exitsBad']) {
    const error = await failure(a.rpc.call(b.name, M, fun, []))
    t.match(error, { code: 'ERR_RPC_EXIT' }, fun)
    t.match(error.message, /symbol/i)
  }
  t.equal(await a.ping(b.name), 'pong')
})

test('a call that takes too long is ERR_RPC_TIMEOUT; its late value goes nowhere', async (t) => {
  const { a, b, nodes } = await setUp(t)
  const messages: Term[] = []
  a.runtime.onMessage = (message) => void messages.push(message)
  b.rpc.expose(M, {
    slow: () =>
      new Promise((resolve) => {
        nodes.clock.after(1000, () => resolve('late'))
      }),
  })
  const call = failure(a.rpc.call(b.name, M, 'slow', [], { timeout: 500 }))
  await nodes.settle()
  await nodes.elapse(2000)
  t.match(await call, { code: 'ERR_RPC_TIMEOUT', reason: atom('timeout') })
  t.same(messages, [])
  t.equal(await nodes.during(a.rpc.call(b.name, M, 'slow', [], { timeout: 'infinity' })), 'late')
})

test('a call is given up by its signal', async (t) => {
  const { a, b, nodes } = await setUp(t)
  b.rpc.expose(M, { never: () => new Promise(() => {}) })
  const abort = new AbortController()
  const call = failure(a.rpc.call(b.name, M, 'never', [], { signal: abort.signal }))
  await nodes.settle()
  abort.abort(new Error('enough'))
  t.match(await call, { message: 'enough' })
})

test('calls run side by side, block calls one after the other', async (t) => {
  const { a, b, nodes } = await setUp(t)
  const ran: string[] = []
  let release: (() => void) | undefined
  b.rpc.expose(M, {
    waits: () =>
      new Promise<void>((resolve) => {
        release = resolve
      }),
    releases: () => release?.(),
    runs: (name) => void ran.push(String(name)),
  })
  const waiting = a.rpc.blockCall(b.name, M, 'waits', [])
  const next = a.rpc.blockCall(b.name, M, 'runs', ['next'])
  await nodes.until(() => release !== undefined)
  await a.rpc.call(b.name, M, 'runs', ['beside it'])
  await nodes.settle()
  t.same(ran, ['beside it'])
  await a.rpc.call(b.name, M, 'releases', [])
  t.equal(await waiting, null)
  await next
  t.same(ran, ['beside it', 'next'])
})

test('a node that cannot be reached, or is lost, is ERR_RPC_NODEDOWN', async (t) => {
  const { a, b, nodes } = await setUp(t)
  b.rpc.expose(M, { never: () => new Promise(() => {}) })
  t.match(await failure(a.rpc.call('nobody@nowhere', M, 'f', [])), {
    code: 'ERR_RPC_NODEDOWN',
    reason: atom('nodedown'),
  })
  const call = failure(a.rpc.call(b.name, M, 'never', []))
  await nodes.settle()
  nodes.network.reset('a', 'b')
  t.match(await call, { code: 'ERR_RPC_NODEDOWN' })
})

test('a call connects first when it must', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a')
  const b = await nodes.start('b')
  b.rpc.expose(M, { one: () => 1 })
  t.equal(await a.rpc.call(b.name, M, 'one', []), 1)
  t.same(a.nodes(), [b.name])
})

test('an argument that has no term throws to the caller', async (t) => {
  const { a, b } = await setUp(t)
  const bad = [Symbol('no term')] as unknown as Encodable[]
  t.match(await failure(a.rpc.call(b.name, M, 'f', bad)), { name: 'EncodeError' })
  t.throws(() => a.rpc.cast(b.name, M, 'f', bad), { name: 'EncodeError' })
})

test('a cast runs the function, and nobody hears how it ends', async (t) => {
  const { a, b, nodes } = await setUp(t)
  const ran: Term[][] = []
  for (const node of [a, b]) {
    node.rpc.expose(M, {
      run: (...args) => void ran.push(args),
      fails: (...args) => {
        ran.push(args)
        throw new Error('nobody hears')
      },
    })
  }
  a.rpc.cast(b.name, M, 'run', [1])
  a.rpc.cast(b.name, M, 'fails', [2])
  a.rpc.cast(b.name, M, 'missing', [3])
  a.rpc.cast('b@b', atom(M), atom('run'), [4])
  await nodes.until(() => ran.length === 3)
  a.rpc.cast(a.name, M, 'run', [5])
  a.rpc.cast(a.name, M, 'fails', [6])
  a.rpc.cast('nobody@nowhere', M, 'run', [7])
  await nodes.settle()
  t.same(ran, [[1], [2], [4], [5], [6]])
})

test('the answer {badrpc, Reason} of a block call is an error; the value of a call is its value', async (t) => {
  const { a, b } = await setUp(t)
  b.rpc.expose(M, { refuse: () => tuple(atom('badrpc'), atom('not_today')) })
  t.match(await failure(a.rpc.blockCall(b.name, M, 'refuse', [])), {
    code: 'ERR_RPC_FAILED',
    reason: atom('not_today'),
  })
  t.match(await a.rpc.call(b.name, M, 'refuse', []), { 0: atom('badrpc') })
})

test('a block call to a node without rex is ERR_RPC_FAILED with noproc; calls need none', async (t) => {
  const { a, b } = await setUp(t)
  b.rpc.expose(M, { one: () => 1 })
  b.unregister('rex')
  t.match(await failure(a.rpc.blockCall(b.name, M, 'one', [])), {
    code: 'ERR_RPC_FAILED',
    reason: atom('noproc'),
  })
  t.equal(await a.rpc.call(b.name, M, 'one', []), 1)
})

test('a function that is killed is ERR_RPC_EXIT, by every way to call it', async (t) => {
  const { a, b, nodes } = await setUp(t)
  const running: Process[] = []
  b.rpc.expose(M, {
    waits: function () {
      running.push(this)
      return new Promise(() => {})
    },
  })
  const calls = [a.rpc.call(b.name, M, 'waits', []), b.rpc.call(b.name, M, 'waits', [])]
  calls.push(a.call(['rex', b.name], tuple(atom('call'), atom(M), atom('waits'), [], atom('user'))))
  const ends = Promise.allSettled(calls)
  await nodes.until(() => running.length === 3)
  for (const process of running) b.exit(process.pid, atom('kill'))
  const [there, here, byRex] = await ends
  const killed = { code: 'ERR_RPC_EXIT', reason: { 0: EXIT, 1: atom('killed') } }
  t.match(there, { status: 'rejected', reason: killed })
  t.match(here, { status: 'rejected', reason: killed })
  t.match(byRex, { status: 'fulfilled', value: { 0: atom('badrpc'), 1: { 0: EXIT, 1: atom('killed') } } })
  t.ok(running.every((process) => process.signal.aborted))
  await nodes.settle()
  t.same([a.runtime.pending(), b.runtime.pending()], [NONE, NONE])
})

test('a call that was given up before the node answered leaves nothing on either side', async (t) => {
  const { a, b, nodes } = await setUp(t)
  let pid: Pid | undefined
  b.rpc.expose(M, {
    waits: function () {
      pid = this.pid
      return this.receive()
    },
  })
  const abort = new AbortController()
  const call = failure(a.rpc.call(b.name, M, 'waits', [], { signal: abort.signal }))
  abort.abort(new Error('at once'))
  t.match(await call, { message: 'at once' })
  await nodes.until(() => pid !== undefined)
  await nodes.settle()
  t.same([a.runtime.pending(), b.runtime.pending()], [NONE, NONE])
  t.match(await failure(a.rpc.call(b.name, M, 'waits', [], { signal: abort.signal })), { message: 'at once' })
})

test('a peer that serves no spawn requests is asked by its rex', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a', { connectAll: false })
  const peer = new BarePeer({ name: 'c@c', network: nodes.network.host('c'), clock: nodes.clock })
  const connection = await peer.dial('a@a')
  t.teardown(() => peer.close())
  const call = a.rpc.call('c@c', M, 'add', [1, 2])
  await nodes.until(() => peer.received('spawnRequest').length === 1)
  const [id, parent] = peer.received('spawnRequest')[0] as [Reference, Pid]
  connection.spawnReply(id, parent, 0, atom('notsup'))
  await nodes.until(() => peer.received('sendName').length === 1)
  const [, name, message] = peer.received('sendName')[0] as [Pid, Term, Tuple]
  t.equal(name, atom('rex'))
  t.match(message[2], { 0: atom('call'), 1: atom(M), 2: atom('add'), 3: [1, 2] })
  const tag = (message[1] as Tuple)[1] as ImproperList
  connection.sendAlias(peer.pid(), tag.tail as Reference, tuple(tag, 3))
  t.equal(await call, 3)
})

test('functions are exposed alone, by arity, and by a resolver', async (t) => {
  const { a, b } = await setUp(t)
  const call = (fun: string, ...args: Encodable[]) => a.rpc.call(b.name, M, fun, args)
  const take = b.rpc.expose(M, 'one', () => 1)
  b.rpc.expose(M, {
    'sum/2': (x, y) => Number(x) + Number(y),
    'sum/1': (x) => x,
    any: (...args) => args.length,
  })
  t.equal(await call('one'), 1)
  take()
  t.match(await failure(call('one')), { code: 'ERR_RPC_EXIT' })
  t.same([await call('sum', 4, 5), await call('sum', 4), await call('any', 1, 2, 3)], [9, 4, 3])
  t.match(await failure(call('sum', 1, 2, 3)), { code: 'ERR_RPC_EXIT', message: /undef/ })
  const asked: unknown[] = []
  const forget = b.rpc.expose((module, fun, arity) => {
    asked.push([module, fun, arity])
    return fun === 'found' ? Promise.resolve(() => 'found') : fun === 'any' ? () => 'shadowed' : undefined
  })
  t.equal(await call('found', 1), 'found')
  t.equal(await call('any'), 0, 'what has a name counts first')
  t.match(await failure(call('lost')), { message: /undef/ })
  t.equal(await a.rpc.call(b.name, 'erlang', 'node', []), b.name, 'then the functions of every node')
  t.same(asked, [
    [M, 'found', 1],
    [M, 'lost', 0],
    ['erlang', 'node', 0],
  ])
  forget()
  t.match(await failure(call('found', 1)), { message: /undef/ })
  b.rpc.expose(() => {
    throw new Error('no resolver')
  })
  t.match(await failure(call('found', 1)), { code: 'ERR_RPC_EXIT', message: /no resolver/ })
  t.throws(() => b.rpc.expose(M, 'x', 1 as never), { code: 'ERR_INVALID_OPTION' })
  t.throws(() => b.rpc.expose(M, undefined as never), { code: 'ERR_INVALID_OPTION' })
})

test('several nodes are called at once, the answers are in the order of the nodes', async (t) => {
  const { a, b, nodes } = await setUp(t)
  for (const node of [a, b]) node.rpc.expose(M, { me: () => node.name, bad: () => Promise.reject(1) })
  const answers = await a.rpc.multicall(undefined, M, 'me', [])
  t.match(answers, [
    { node: a.name, status: 'fulfilled', value: a.name },
    { node: b.name, status: 'fulfilled', value: b.name },
  ])
  const [gone, bad] = await nodes.during(a.rpc.multicall(['x@x', b.name], M, 'bad', []))
  t.match(gone, { node: atom('x@x'), status: 'rejected', reason: { code: 'ERR_RPC_NODEDOWN' } })
  t.match(bad, { node: b.name, status: 'rejected', reason: { code: 'ERR_RPC_THROW', reason: 1 } })
  await t.rejects(a.rpc.multicall(undefined, M, 'me', [], { timeout: -1 }), { code: 'ERR_INVALID_OPTION' })
})

test('casts and messages go to every node', async (t) => {
  const { a, b, nodes } = await setUp(t)
  const got: unknown[] = []
  for (const node of [a, b]) {
    node.rpc.expose(M, { cast: (x) => void got.push([node.name, 'cast', x]) })
    const listen = async (self: Process): Promise<void> => {
      for (;;) got.push([node.name, await self.receive()])
    }
    node.register('listener', node.spawn(listen))
  }
  a.rpc.multicast(undefined, M, 'cast', [1])
  await nodes.until(() => got.length === 2)
  a.rpc.abcast(undefined, 'listener', 'news')
  a.rpc.abcast([b.name, a.name], 'nobody', 'lost')
  await nodes.until(() => got.length === 4)
  t.same(
    new Set(got.map(String)),
    new Set(
      [
        [a.name, 'cast', 1],
        [b.name, 'cast', 1],
        [a.name, 'news'],
        [b.name, 'news'],
      ].map(String),
    ),
  )
  b.unregister('listener')
  t.same(await a.rpc.sbcast(undefined, 'listener', 'again'), { good: [a.name], bad: [b.name] })
  await nodes.until(() => got.length === 5)
  t.same(await nodes.during(a.rpc.sbcast(['x@x'], 'listener', 'again')), { good: [], bad: [atom('x@x')] })
  b.unregister('rex')
  t.same(await a.rpc.sbcast([b.name], 'listener', 'again'), { good: [], bad: [b.name] })
  const before = a.rpc.sbcast([b.name], 'listener', 'never', {
    signal: AbortSignal.abort(new Error('too late')),
  })
  t.match(await failure(before), { message: 'too late' })
  t.match(await failure(a.rpc.sbcast([b.name], 'listener', Symbol('no term') as never)), {
    name: 'EncodeError',
  })
  t.same(a.runtime.pending(), NONE)
})

test('every node tells about itself what tools and peers ask', async (t) => {
  const { a, b, nodes } = await setUp(t)
  const hidden = await nodes.start('h', { hidden: true })
  await nodes.join(hidden, b)
  const pid = b.spawn((self) => self.receive())
  b.register('someone', pid)
  const ask = (module: string, fun: string, ...args: Encodable[]) => a.rpc.call(b.name, module, fun, args)
  t.equal(await ask('Elixir.Process', 'alive?', pid), true)
  t.equal(await ask('erlang', 'is_process_alive', pid), true)
  t.equal(await ask('Elixir.Process', 'alive?', a.self), false)
  t.equal(await ask('Elixir.Process', 'alive?', 'text'), false)
  t.equal(await ask('erlang', 'node'), b.name)
  t.same(await ask('erlang', 'nodes'), [a.name])
  t.same(await ask('erlang', 'nodes', atom('visible')), [a.name])
  t.same(await ask('erlang', 'nodes', atom('hidden')), [hidden.name])
  t.equal(((await ask('erlang', 'nodes', atom('connected'))) as Term[]).length, 2)
  t.ok(pid.equals((await ask('erlang', 'whereis', atom('someone'))) as Pid))
  t.equal(await ask('erlang', 'whereis', atom('nobody')), atom('undefined'))
  const names = (await ask('erlang', 'registered')) as Term[]
  for (const name of ['net_kernel', 'rex', 'someone']) t.ok(names.includes(atom(name)), name)
  const pids = (await ask('erlang', 'processes')) as Term[]
  t.ok(pids.some((other) => other instanceof Pid && other.equals(pid)))
  b.exit(pid, atom('kill'))
  await nodes.settle()
  t.equal(await ask('Elixir.Process', 'alive?', pid), false)
})

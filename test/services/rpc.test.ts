/** rpc between two nodes: what one exposes, the other calls. */
import { test } from 'tap'
import { atom, type Encodable, Pid, type Term, termEquals, tuple } from '../../src/etf/index.ts'
import { ExitError } from '../../src/runtime/index.ts'
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

test('a thrown value is the value, as with rpc of OTP', async (t) => {
  const { a, b } = await setUp(t)
  b.rpc.expose(M, {
    throws: () => {
      throw atom('thrown')
    },
  })
  t.equal(await a.rpc.call(b.name, M, 'throws', []), atom('thrown'))
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
  t.match(await call, { code: 'ERR_RPC_TIMEOUT', reason: atom('timeout'), cause: { code: 'timeout' } })
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

test('calls run side by side, block calls too: one that waits holds nobody up', async (t) => {
  const { a, b } = await setUp(t)
  let release: (() => void) | undefined
  b.rpc.expose(M, {
    waits: () =>
      new Promise<void>((resolve) => {
        release = resolve
      }),
    releases: () => release?.(),
  })
  const waiting = a.rpc.blockCall(b.name, M, 'waits', [])
  await a.rpc.blockCall(b.name, M, 'releases', [])
  t.equal(await waiting, null)
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

test('the answer {badrpc, Reason} of a node is an error whatever its reason', async (t) => {
  const { a, b } = await setUp(t)
  b.rpc.expose(M, { refuse: () => tuple(atom('badrpc'), atom('not_today')) })
  t.match(await failure(a.rpc.call(b.name, M, 'refuse', [])), {
    code: 'ERR_RPC_FAILED',
    reason: atom('not_today'),
  })
})

test('a node without rex is ERR_RPC_FAILED with noproc', async (t) => {
  const { a, b } = await setUp(t)
  b.unregister('rex')
  t.match(await failure(a.rpc.call(b.name, M, 'f', [])), { code: 'ERR_RPC_FAILED', reason: atom('noproc') })
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

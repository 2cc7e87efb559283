/** Spawn requests as erpc of OTP makes them (protocol.md 3.9, 9.5), by a peer that sends them by hand. */
import { test } from 'tap'
import {
  type Atom,
  atom,
  type Encodable,
  Pid,
  type Reference,
  type Term,
  termEquals,
  tuple,
} from '../../src/etf/index.ts'
import { ExitError } from '../../src/runtime/index.ts'
import { BarePeer } from '../support/bare-peer.ts'
import { failure, type Teardown, TestNodes } from '../support/two-nodes.ts'

const ERPC = atom('erpc')
const MONITOR = atom('monitor')
const LINK = atom('link')
const M = atom('Elixir.TsMath')
const NORMAL = atom('normal')

async function setUp(t: Teardown) {
  const nodes = new TestNodes(t)
  // The peer shall hear nothing but what it asked for.
  const a = await nodes.start('a', { connectAll: false })
  const peer = new BarePeer({ name: 'c@c', network: nodes.network.host('c'), clock: nodes.clock })
  const connection = await peer.dial('a@a')
  t.teardown(() => peer.close())
  a.rpc.expose('Elixir.TsMath', {
    add: (x, y) => Number(x) + Number(y),
    bad: () => [Symbol('no term')],
    throws: () => {
      throw atom('thrown')
    },
    exits: () => {
      throw new ExitError(atom('bye'))
    },
    fails: () => {
      throw new RangeError('too far')
    },
  })
  const me = peer.pid()
  /** Sends a spawn request and gives its reply. */
  const spawn = async (
    module: Atom,
    name: Atom,
    args: Encodable,
    options: Encodable,
  ): Promise<{ id: Reference; flags: number; result: Pid | Atom }> => {
    const id = peer.ref()
    const before = peer.received('spawnReply').length
    const arity = Array.isArray(args) ? args.length : 0
    connection.spawnRequest(id, me, me, { module, function: name, arity }, options, args)
    await nodes.until(() => peer.received('spawnReply').length > before)
    const [ref, to, flags, result] = peer.received('spawnReply')[before] as [
      Reference,
      Pid,
      number,
      Pid | Atom,
    ]
    if (!ref.equals(id) || !to.equals(me)) throw new Error('this is the reply to another request')
    return { id, flags, result }
  }
  /** The exit reason that comes by the monitor of a request. */
  const reason = async (id: Reference): Promise<Term> => {
    const find = () => peer.received('monitorExit').find(([, , ref]) => id.equals(ref))
    await nodes.until(() => find() !== undefined)
    return find()?.[3] as Term
  }
  /** `erpc:call`, and the exit reason that brings its outcome. */
  const call = async (
    fun: string,
    args: Encodable,
    module: Encodable = M,
  ): Promise<{ res: Reference; reason: Term }> => {
    const res = peer.ref()
    const { id, flags } = await spawn(ERPC, atom('execute_call'), [res, module, atom(fun), args], [MONITOR])
    if (flags !== 2) throw new Error(`the flags are ${flags}`)
    return { res, reason: await reason(id) }
  }
  return { nodes, a, peer, connection, me, spawn, reason, call }
}

const equal = (one: Term, other: Encodable): boolean => termEquals(one, other as Term)

test('a value travels as {Res, return, Value}', async (t) => {
  const { call } = await setUp(t)
  const { res, reason } = await call('add', [1, 2])
  t.ok(equal(reason, tuple(res, atom('return'), 3)), String(reason))
})

test('throw, exit and error are told apart', async (t) => {
  const { call } = await setUp(t)
  const thrown = await call('throws', [])
  t.ok(equal(thrown.reason, tuple(thrown.res, atom('throw'), atom('thrown'))))
  const exited = await call('exits', [])
  t.ok(equal(exited.reason, tuple(exited.res, atom('exit'), atom('bye'))))
  const failed = await call('fails', [])
  t.match(failed.reason, { 1: atom('error'), length: 4 })
  t.ok(equal((failed.reason as unknown as Term[])[0] as Term, failed.res))
  t.match(
    String((failed.reason as unknown as Map<Atom, Term>[])[2]?.get(atom('message'))),
    'RangeError: too far',
  )
})

test('what is not exposed is undef, what is no call is badarg', async (t) => {
  const { call } = await setUp(t)
  const missing = await call('missing', [1])
  t.ok(
    equal(
      missing.reason,
      tuple(missing.res, atom('error'), atom('undef'), [tuple(M, atom('missing'), [1], [])]),
    ),
    String(missing.reason),
  )
  for (const [args, module] of [
    [atom('no_list'), M],
    [[1], 'TsMath'],
    [[1], null],
  ] as const) {
    const { res, reason } = await call('add', args, module)
    t.ok(equal(reason, tuple(res, atom('error'), atom('badarg'), [])), String(reason))
  }
})

test('a value that has no term arrives as a reason that says so', async (t) => {
  const { call } = await setUp(t)
  const { reason } = await call('bad', [])
  t.match(reason, { 0: atom('unencodable'), 1: /symbol/i })
})

test('a cast runs and is answered with a pid, without a monitor', async (t) => {
  const { a, nodes, peer, spawn } = await setUp(t)
  const ran: Term[][] = []
  a.rpc.expose('jobs', { run: (...args) => void ran.push(args) })
  const { flags, result } = await spawn(ERPC, atom('execute_cast'), [atom('jobs'), atom('run'), [1, 2]], [])
  t.equal(flags, 0)
  t.type(result, Pid)
  await nodes.until(() => ran.length === 1)
  await nodes.settle()
  t.same([ran, peer.received('monitorExit')], [[[1, 2]], []])
})

test('an exposed function may be spawned itself; it exits as a process with that code would', async (t) => {
  const { reason, spawn } = await setUp(t)
  const exit = async (fun: string, args: Encodable = []): Promise<Term> =>
    reason((await spawn(M, atom(fun), args, [MONITOR])).id)
  t.equal(await exit('add', [1, 2]), NORMAL)
  t.equal(await exit('exits'), atom('bye'))
  t.ok(equal(await exit('throws'), tuple(tuple(atom('nocatch'), atom('thrown')), [])))
  t.match(await exit('fails'), { 1: [] })
  t.ok(equal(await exit('missing'), tuple(atom('undef'), [tuple(M, atom('missing'), [], [])])))
})

test('a linked process takes its parent with it, a monitored one tells it', async (t) => {
  const { me, nodes, peer, reason, spawn } = await setUp(t)
  const { id, flags, result } = await spawn(M, atom('exits'), [], [LINK, MONITOR])
  t.equal(flags, 3)
  t.equal(await reason(id), atom('bye'))
  await nodes.until(() => peer.received('exit').length === 1)
  const [from, to, why] = peer.received('exit')[0] as [Pid, Pid, Term]
  t.ok(from.equals(result) && to.equals(me))
  t.equal(why, atom('bye'))
})

test('the reply comes before anything else of the new process', async (t) => {
  const { peer, spawn, reason } = await setUp(t)
  const { id } = await spawn(M, atom('add'), [1, 2], [LINK, MONITOR])
  await reason(id)
  t.equal(peer.signals[0]?.[0], 'spawnReply')
})

test('options of the BEAM are taken, unknown ones refused', async (t) => {
  const { spawn } = await setUp(t)
  const taken = [tuple(atom('priority'), atom('high')), tuple(atom('min_heap_size'), 100), MONITOR]
  t.type((await spawn(M, atom('add'), [1, 2], taken)).result, Pid)
  for (const refused of [[atom('reply')], [tuple(atom('colour'), 'red')]]) {
    const { flags, result } = await spawn(M, atom('add'), [1, 2], refused)
    t.same([flags, result], [0, atom('badopt')])
  }
})

test('erpc functions that are none are undef', async (t) => {
  const { reason, spawn } = await setUp(t)
  for (const [name, args] of [
    ['execute_call', [1]],
    ['execute_cast', []],
    ['call', [1, 2, 3, 4]],
  ] as const) {
    const { id } = await spawn(ERPC, atom(name), args, [MONITOR])
    t.match(await reason(id), { 0: atom('undef') })
  }
})

test('a peer that goes away while its function runs leaves nothing behind', async (t) => {
  const { a, nodes, peer, spawn } = await setUp(t)
  let finish: (() => void) | undefined
  a.rpc.expose('jobs', {
    wait: () =>
      new Promise<void>((resolve) => {
        finish = resolve
      }),
  })
  const { result } = await spawn(atom('jobs'), atom('wait'), [], [MONITOR])
  await nodes.until(() => finish !== undefined)
  peer.close()
  await nodes.settle()
  finish?.()
  await nodes.settle()
  t.notOk(a.runtime.isAlive(result as Pid))
  t.same(a.runtime.pending(), { calls: 0, aliases: 0, remoteMonitors: 0, spawns: 0 })
  t.same(a.nodes('all'), [], 'nobody is dialed for it')
})

test('one TypeScript node spawns on another', async (t) => {
  const { a, nodes } = await setUp(t)
  const b = await nodes.start('b')
  const reasons: Term[] = []
  const onDown = (reason: Term): void => void reasons.push(reason)
  const on = (name: string, args: Encodable[] = []) => ({
    node: a.name,
    module: M,
    function: atom(name),
    args,
  })
  const pid = await b.runtime.spawnOn(on('exits'), { onDown })
  t.equal(pid.node, a.name)
  await nodes.until(() => reasons.length === 1)
  t.same(reasons, [atom('bye')])
  await b.runtime.spawnOn(on('missing'), { onDown })
  await nodes.until(() => reasons.length === 2)
  t.match(reasons[1], { 0: atom('undef') })
  t.match(await failure(b.runtime.spawnOn({ ...on('add'), node: atom('nobody@nowhere') })), {
    code: 'ERR_RUNTIME_SPAWN',
    reason: atom('noconnection'),
  })
})

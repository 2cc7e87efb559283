/** rpc and erpc as a client of a BEAM node: what comes of calls, casts and collections. */
import { isDeepStrictEqual } from 'node:util'
import { test } from 'tap'
import { alias, atom, inspect, type Term } from '../src/index.ts'
import { waitFor } from './peer.ts'
import { connectedCluster, EX, startTsNode, type Teardown, TS } from './support/cluster.ts'

interface Strings {
  upcase(text: string): string
  'valid?'(text: string): boolean
  splitAt(text: string, position: number): Term
}

const FUNCTIONS = `
  defmodule Interop.Rpc do
    def throws, do: throw(:ball)
    def exits, do: exit({:shutdown, "why"})
    def raises, do: raise(ArgumentError, "no good")
    def sleep(ms), do: Process.sleep(ms)
    def prints(text), do: IO.puts(text)
    def remember(x), do: :persistent_term.put(:remembered, x)
    def waits, do: (Process.register(self(), :waiting); receive(do: (:go -> :gone)))
  end
`

async function setUp(t: Teardown) {
  const cluster = await connectedCluster(t)
  await cluster.peer.eval(FUNCTIONS)
  const call = (fun: string, args: Term[] = [], options = {}) =>
    cluster.node.rpc.call(EX, 'Elixir.Interop.Rpc', fun, args as never, options)
  return { ...cluster, call }
}

test('throw, exit, error, kill and undef are told apart', async (t) => {
  const { call, peer } = await setUp(t)
  await t.rejects(call('throws'), { code: 'ERR_RPC_THROW', reason: atom('ball') })
  await t.rejects(call('exits'), { code: 'ERR_RPC_EXIT', message: /\{:EXIT, \{:shutdown, "why"\}\}/ })
  const error = await call('raises').catch((reason) => reason)
  t.match(error, { name: 'RpcError', code: 'ERR_RPC_EXIT' })
  t.match(inspect(error.exception), /ArgumentError.*no good|no good.*ArgumentError/s)
  t.match(inspect(error.stacktrace[0]), /Interop\.Rpc, :raises, 0/)
  await t.rejects(call('missing', [1]), { code: 'ERR_RPC_EXIT', message: /undef/ })
  const killed = t.rejects(call('waits'), { code: 'ERR_RPC_EXIT', message: /:killed/ })
  await waitFor(async () => (await peer.eval('is_pid(Process.whereis(:waiting))')) === 'true', {
    what: 'the call',
  })
  await peer.eval('Process.exit(Process.whereis(:waiting), :kill)')
  await killed
})

test('calls end in time, are given up, and end with the connection', async (t) => {
  const { call, node, peer } = await setUp(t)
  await t.rejects(call('sleep', [60_000], { timeout: 50 }), { code: 'ERR_RPC_TIMEOUT' })
  const abort = new AbortController()
  const given = t.rejects(call('sleep', [60_000], { signal: abort.signal, timeout: 'infinity' }), {
    message: 'enough',
  })
  abort.abort(new Error('enough'))
  await given
  const lost = t.rejects(call('waits'), { code: 'ERR_RPC_NODEDOWN', reason: atom('nodedown') })
  await waitFor(async () => (await peer.eval('is_pid(Process.whereis(:waiting))')) === 'true', {
    what: 'the call',
  })
  await peer.kill()
  await lost
  // `:global` may have a call of its own, which ends when the node cannot be reached.
  const idle = { calls: 0, aliases: 0, remoteMonitors: 0, spawns: 0 }
  await waitFor(() => isDeepStrictEqual(node.runtime.pending(), idle), { what: 'nothing to be pending' })
})

test('a function may print: it does not wait for an answer that never comes', async (t) => {
  const { call } = await setUp(t)
  t.equal(await call('prints', ['printed by a remote call']), atom('ok'))
})

test('several nodes, collections, casts and broadcasts', async (t) => {
  const { epmdPort, node, peer } = await setUp(t)
  await startTsNode(t, { epmdPort, name: 'ts2@127.0.0.1', connect: [TS] })
  const answers = await node.rpc.multicall([EX, 'ts2@127.0.0.1', 'nobody@127.0.0.1'], 'erlang', 'node', [])
  t.match(answers, [
    { status: 'fulfilled', value: atom(EX) },
    { status: 'fulfilled', value: atom('ts2@127.0.0.1') },
    { status: 'rejected', reason: { code: 'ERR_RPC_NODEDOWN' } },
  ])

  const requests = node.rpc.requests<string>()
  requests.add(EX, 'Elixir.Interop.Rpc', 'sleep', [300], { label: 'slow' })
  requests.add(EX, 'Elixir.String', 'upcase', ['hi'], { label: 'quick' })
  requests.add(EX, 'Elixir.Interop.Rpc', 'throws', [], { label: 'throws' })
  const labels: string[] = []
  for await (const response of requests) labels.push(`${response.label} ${response.status}`)
  t.equal(labels.at(-1), 'slow fulfilled')
  t.same(labels.slice(0, 2).sort(), ['quick fulfilled', 'throws rejected'])

  node.rpc.cast(EX, 'Elixir.Interop.Rpc', 'remember', [1])
  const remembered = (value: string) =>
    waitFor(async () => (await peer.eval(':persistent_term.get(:remembered, nil)')) === value, {
      what: value,
    })
  await remembered('1')
  node.rpc.multicast([EX], 'Elixir.Interop.Rpc', 'remember', [2])
  await remembered('2')

  await peer.eval('Process.register(self(), :listener)')
  node.rpc.abcast([EX, TS], 'listener', 'news')
  t.equal(await peer.eval('receive do m -> m after 5000 -> :nothing end'), '"news"')
  t.same(await node.rpc.sbcast([EX, TS, 'nobody@127.0.0.1'], 'listener', 'more'), {
    good: [atom(EX)],
    bad: [atom(TS), atom('nobody@127.0.0.1')],
  })
  t.equal(await peer.eval('receive do m -> m after 5000 -> :nothing end'), '"more"')
})

test('an Elixir module is an object with typed functions', async (t) => {
  const { node } = await setUp(t)
  const strings = node.module<Strings>(EX, alias('String'))
  const text: string = await strings.upcase('hi')
  t.equal(text, 'HI')
  t.equal(await strings['valid?']('hi'), true)
  t.equal(inspect(await strings.splitAt('hello', 2)), '{"he", "llo"}')
  await t.rejects((strings as unknown as { noSuch(): Promise<void> }).noSuch(), { message: /undef/ })
})

test('a BEAM node asks ours by collections and blocks for block calls', async (t) => {
  const { node, peer } = await setUp(t)
  const waiting: (() => void)[] = []
  const ran: string[] = []
  node.rpc.expose('Elixir.Ts', {
    wait: () =>
      new Promise<void>((resolve) => {
        waiting.push(resolve)
      }),
    'run/1': (name) => void ran.push(String(name)),
    one: () => 1,
  })
  node.rpc.expose((module, fun) => (module === 'Elixir.Found' ? () => fun : undefined))
  t.equal(
    await peer.eval(
      `ids = Enum.reduce(1..3, :erpc.reqids_new(), fn i, c -> :erpc.send_request(:"${TS}", Ts, :one, [], i, c) end); collect = fn f, c, a -> case :erpc.receive_response(c, 5000, true) do {value, label, c} -> f.(f, c, [{label, value} | a]); :no_request -> Enum.sort(a) end end; collect.(collect, ids, [])`,
    ),
    '[{1, 1}, {2, 1}, {3, 1}]',
  )
  t.equal(await peer.eval(`:rpc.call(:"${TS}", Found, :anything, [1, 2])`), '"anything"')
  t.match(await peer.eval(`:rpc.call(:"${TS}", Ts, :run, [1, 2])`), /:undef/)
  t.match(await peer.eval(`:rpc.call(:"${TS}", Ts, :wait, [], 50)`), /\{:badrpc, :timeout\}/)
  const blocked = peer.eval(`:rpc.block_call(:"${TS}", Ts, :wait, [])`, { session: 'blocked' })
  await waitFor(() => waiting.length === 2, { what: 'the block call' })
  const next = peer.eval(`:rpc.block_call(:"${TS}", Ts, :run, ["next"])`, { session: 'next' })
  t.equal(await peer.eval(`:rpc.call(:"${TS}", Ts, :run, ["beside it"])`), 'nil')
  t.same(ran, ['beside it'])
  for (const release of waiting) release()
  await Promise.all([blocked, next])
  t.same(ran, ['beside it', 'next'])
})

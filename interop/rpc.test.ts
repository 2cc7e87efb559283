/** rpc and erpc, as a server for Elixir and as a client of it. */
import { test } from 'tap'
import { atom, ExitError, tuple } from '../src/index.ts'
import { connectedCluster, EX, TS } from './support/cluster.ts'

test('Elixir calls exposed functions by rpc and erpc', async (t) => {
  const { node, peer } = await connectedCluster(t)
  let casts = 0
  node.rpc.expose('Elixir.TsMath', {
    add: (a, b) => Number(a) + Number(b),
    later: async (x) => x as string,
    cast: () => {
      casts++
    },
    count: () => casts,
  })
  const there = `:"${TS}"`
  t.equal(await peer.eval(`:rpc.call(${there}, TsMath, :add, [1, 2])`), '3')
  t.equal(await peer.eval(`:rpc.block_call(${there}, TsMath, :add, [1, 2])`), '3')
  t.equal(await peer.eval(`:erpc.call(${there}, TsMath, :add, [1, 2])`), '3')
  t.equal(await peer.eval(`:rpc.call(${there}, TsMath, :later, ["waited"])`), '"waited"')
  t.equal(await peer.eval(`:erpc.multicall([${there}], TsMath, :add, [1, 2])`), '[ok: 3]')
  t.equal(await peer.eval(`:rpc.multicall([${there}], TsMath, :add, [1, 2])`), '{[3], []}')
  t.equal(await peer.eval(`:rpc.yield(:rpc.async_call(${there}, TsMath, :add, [1, 2]))`), '3')
  t.equal(await peer.eval(`:rpc.cast(${there}, TsMath, :cast, [])`), 'true')
  t.equal(await peer.eval(`:erpc.cast(${there}, TsMath, :cast, [])`), ':ok')
  // Casts have no answer; a call on the same way comes after them.
  await t.resolves(peer.eval(`:rpc.call(${there}, TsMath, :count, [])`))
  t.equal(await peer.eval(`:rpc.block_call(${there}, TsMath, :count, [])`), '2')
})

test('failures of exposed functions look to Elixir like its own', async (t) => {
  const { node, peer } = await connectedCluster(t)
  node.rpc.expose('Elixir.Ts', {
    error: () => {
      throw new TypeError('no good')
    },
    exit: () => {
      throw new ExitError(tuple(atom('shutdown'), 'why'))
    },
    throw: () => {
      throw atom('ball')
    },
    unencodable: () => Symbol('x'),
  })
  const there = `:"${TS}"`
  t.match(
    await peer.eval(`:rpc.call(${there}, Ts, :error, [])`),
    /^\{:badrpc, \{:EXIT, \{%RuntimeError\{message: "TypeError: no good"\}, \[\{/,
  )
  t.equal(await peer.eval(`:rpc.call(${there}, Ts, :exit, [])`), '{:badrpc, {:EXIT, {:shutdown, "why"}}}')
  t.equal(await peer.eval(`:rpc.call(${there}, Ts, :throw, [])`), ':ball')
  t.equal(
    await peer.eval(`:rpc.call(${there}, Ts, :missing, [1])`),
    '{:badrpc, {:EXIT, {:undef, [{Ts, :missing, [1], []}]}}}',
  )
  t.equal(
    await peer.eval(`:rpc.call(${there}, :os, :cmd, ['id'])`),
    `{:badrpc, {:EXIT, {:undef, [{:os, :cmd, ${await peer.eval("['id']")}, []}]}}}`,
  )
  t.match(await peer.eval(`:rpc.call(${there}, Ts, :unencodable, [])`), /^\{:badrpc, \{:EXIT, /)
  t.match(await peer.eval(`:rpc.block_call(${there}, Ts, :unencodable, [])`), /^\{:badrpc, \{:EXIT, /)
  t.match(
    await peer.eval(`try do :erpc.call(${there}, Ts, :error, []) rescue e in ErlangError -> e.original end`),
    /:exception, %RuntimeError/,
  )
  t.equal(await peer.eval(`try do :erpc.call(${there}, Ts, :throw, []) catch :throw, x -> x end`), ':ball')
  t.equal(
    await peer.eval(`try do :erpc.call(${there}, Ts, :exit, []) catch :exit, x -> x end`),
    '{:exception, {:shutdown, "why"}}',
  )
})

test('spawn, spawn_link and spawn_monitor on our node run exposed functions', async (t) => {
  const { node, peer } = await connectedCluster(t)
  const ran: string[] = []
  node.rpc.expose('Elixir.Ts', {
    run: (what) => void ran.push(String(what)),
    fail: () => Promise.reject(new Error('failed')),
  })
  await peer.eval('Process.flag(:trap_exit, true)')
  const next = 'receive do m -> m after 5000 -> :nothing end'
  t.equal(await peer.eval(`pid = Node.spawn(:"${TS}", Ts, :run, ["a"]); node(pid)`), `:"${TS}"`)
  t.equal(
    await peer.eval(`pid = Node.spawn_link(:"${TS}", Ts, :run, ["b"]); {:EXIT, ^pid, why} = ${next}; why`),
    ':normal',
  )
  t.match(
    await peer.eval(
      `{pid, ref} = Node.spawn_monitor(:"${TS}", Ts, :fail, []); {:DOWN, ^ref, _, ^pid, why} = ${next}; why`,
    ),
    /failed/,
  )
  t.match(
    await peer.eval(
      `{pid, ref} = Node.spawn_monitor(:"${TS}", Ts, :nope, []); {:DOWN, ^ref, _, ^pid, why} = ${next}; why`,
    ),
    /^\{:undef, /,
  )
  t.match(
    await peer.eval(
      `try do :erlang.spawn_opt(:"${TS}", Ts, :run, [], [:monitor, :nonsense]) rescue e -> e end`,
    ),
    /ArgumentError|badopt/,
  )
  t.same(ran, ['a', 'b'])
})

test('what tools ask of every node is answered', async (t) => {
  const { node, peer } = await connectedCluster(t)
  const there = `:"${TS}"`
  t.equal(await peer.eval(`pid = :rpc.call(${there}, :erlang, :whereis, [:rex]); node(pid)`), there)
  t.equal(await peer.eval(`:rpc.call(${there}, Process, :alive?, [pid])`), 'true')
  t.equal(await peer.eval(`:rpc.call(${there}, :erlang, :is_process_alive, [pid])`), 'true')
  t.equal(await peer.eval(`:rpc.call(${there}, :erlang, :node, [])`), there)
  t.equal(await peer.eval(`:rpc.call(${there}, :erlang, :nodes, [])`), `[:"${EX}"]`)
  t.equal(await peer.eval(`:rex in :rpc.call(${there}, :erlang, :registered, [])`), 'true')
  t.equal(await peer.eval(`pid in :rpc.call(${there}, :erlang, :processes, [])`), 'true')
  t.equal(await peer.eval(`{_, bad} = :rpc.sbcast([${there}], :nobody, :hi); bad`), `[${there}]`)
  t.ok(node.whereis('net_kernel'))
})

test('TypeScript calls Elixir functions by rpc', async (t) => {
  const { node } = await connectedCluster(t)
  t.equal(await node.rpc.call(EX, 'Elixir.String', 'upcase', ['hi']), 'HI')
  t.equal(await node.rpc.blockCall(EX, 'Elixir.String', 'upcase', ['hi']), 'HI')
  t.equal(await node.rpc.call(EX, 'erlang', 'node', []), atom(EX))
  await t.rejects(node.rpc.call(EX, 'Elixir.Nope', 'nope', []), { code: 'ERR_RPC_EXIT', message: /undef/ })
  await t.rejects(node.rpc.call(EX, 'erlang', 'error', [atom('boom')]), {
    code: 'ERR_RPC_EXIT',
    message: /:boom/,
  })
  await t.rejects(node.rpc.call(EX, 'timer', 'sleep', [5000], { timeout: 50 }), { code: 'ERR_RPC_TIMEOUT' })
  await t.rejects(node.rpc.call('nobody@127.0.0.1', 'erlang', 'node', []), { code: 'ERR_RPC_NODEDOWN' })
})

/** Elixir and TypeScript processes: calls, casts, sends, links, monitors and exits, each from both sides. */
import { test } from 'tap'
import { atom, inspect, type Pid, type Reference, type Term, Tuple, tuple } from '../src/index.ts'
import { waitFor } from './peer.ts'
import { connectedCluster, EX, TS } from './support/cluster.ts'
import { Counter } from './support/servers.ts'

const THERE = `{:counter, :"${TS}"}`
const NEXT = 'receive do m -> m after 5000 -> :nothing end'

test('Elixir calls, casts and sends to a TypeScript server', async (t) => {
  const { node, peer } = await connectedCluster(t)
  const pid = await node.startLink(Counter, { start: 1 }, { name: 'counter' })
  t.equal(await peer.eval(`GenServer.call(${THERE}, :get)`), '1')
  t.equal(await peer.eval(`GenServer.call(${THERE}, {:add, 41})`), '42')
  t.equal(await peer.eval(`GenServer.cast(${THERE}, :inc)`), ':ok')
  t.equal(await peer.eval(`GenServer.call(${THERE}, :get)`), '43')
  t.equal(await peer.eval(`pid = GenServer.call(${THERE}, :pid); node(pid)`), `:"${TS}"`)
  t.equal(
    await peer.eval(
      'send(pid, {:ping, self()}); receive do {:pong, p} -> p == pid after 5000 -> :nothing end',
    ),
    'true',
  )
  t.equal(await peer.eval('send(pid, :anything); GenServer.call(pid, :get)'), '143')
  t.equal(await peer.eval(`send(${THERE}, :anything); GenServer.call(pid, :get)`), '243')
  const multi = `GenServer.multi_call([:"${TS}"], :counter, :get) == {[{:"${TS}", 243}], []}`
  t.equal(await peer.eval(multi), 'true')
  t.ok(node.runtime.isAlive(pid))
})

test('every kind of term goes through a TypeScript server and comes back as the same term', async (t) => {
  const { node, peer } = await connectedCluster(t)
  await node.startLink(Counter, {}, { name: 'counter' })
  const terms = [
    'nil',
    ':atom',
    'true',
    '0',
    '-1',
    '1.5',
    '123456789012345678901234567890',
    '"text"',
    '"über"',
    '<<255, 0>>',
    '<<1::3>>',
    '[]',
    '[1, 2, 3]',
    '[1 | 2]',
    '{}',
    '{:ok, {1, "two"}}',
    '%{}',
    '%{"b" => [2], a: 1}',
    '%{{1, 2} => %{}}',
    'self()',
    'make_ref()',
    '&String.upcase/1',
    'fn x -> x end',
    'String.duplicate("x", 1_000_000)',
    'Enum.to_list(1..300)',
    'Map.new(1..100, &{&1, &1})',
    '~D[2024-02-29]',
    'MapSet.new([1, 2])',
    "'charlist'",
    'hd(Port.list())',
    ':"with space"',
    'List.duplicate(%{k: {:v, 1.25}}, 5000)',
  ]
  for (const term of terms) {
    t.equal(await peer.eval(`x = ${term}; GenServer.call(${THERE}, {:echo, x}) === x`), 'true', term)
  }
})

test('a reply can come later, a call that is never answered times out and leaves nothing behind', async (t) => {
  const { node, peer } = await connectedCluster(t)
  await node.startLink(Counter, {}, { name: 'counter' })
  const later = peer.eval(`GenServer.call(${THERE}, :later)`, { session: 'caller' })
  await waitFor(() => peer.eval(`GenServer.call(${THERE}, :get) == 0`), {
    what: 'the server to serve others',
  })
  await waitFor(
    async () => {
      await peer.eval(`GenServer.cast(${THERE}, {:answer, "at last"})`)
      return Promise.race([later, new Promise<void>((resolve) => setImmediate(resolve))])
    },
    { what: 'the late reply' },
  )
  t.equal(await later, '"at last"')
  const timeout = await peer.eval(
    `try do GenServer.call(${THERE}, :never, 50) catch :exit, {why, _} -> why end`,
  )
  t.equal(timeout, ':timeout')
  t.equal(await peer.eval('Process.info(self(), :message_queue_len)'), '{:message_queue_len, 0}')
})

test('Elixir monitors and links a TypeScript process and hears how it ended', async (t) => {
  const { node, peer } = await connectedCluster(t)
  await peer.eval('Process.flag(:trap_exit, true)')
  const start = async () => {
    const pid = await node.startLink(Counter, {}, { name: 'counter' })
    await peer.eval(`pid = GenServer.call(${THERE}, :pid); ref = Process.monitor(pid); Process.link(pid)`)
    return pid
  }
  const heard = async () => {
    const match = '[{:EXIT, ^pid, exit}, {:DOWN, ^ref, :process, ^pid, down}]'
    const two = `for _ <- 1..2, do: (${NEXT})`
    return peer.eval(`${match} = Enum.sort(${two}); {down, exit}`)
  }
  await start()
  await peer.eval('GenServer.cast(pid, {:stop, :normal})')
  t.equal(await heard(), '{:normal, :normal}')

  await start()
  await peer.eval('GenServer.cast(pid, {:stop, {:shutdown, "why"}})')
  t.equal(await heard(), '{{:shutdown, "why"}, {:shutdown, "why"}}')

  await start()
  await peer.eval('GenServer.cast(pid, :crash)')
  t.match(await heard(), /^\{\{%RuntimeError\{message: "Error: asked to crash"\}, \[\{Counter, :handleCast/)

  const killed = await start()
  t.equal(await peer.eval('Process.exit(pid, :kill)'), 'true')
  t.equal(await heard(), '{:killed, :killed}')
  t.notOk(node.runtime.isAlive(killed))

  t.equal(await peer.eval(`r = Process.monitor(pid); {:DOWN, ^r, _, _, why} = ${NEXT}; why`), ':noproc')
  t.equal(await peer.eval(`Process.link(pid); {:EXIT, ^pid, why} = ${NEXT}; why`), ':noproc')
  t.equal(
    await peer.eval(`r = Process.monitor(${THERE}); {:DOWN, ^r, _, who, why} = ${NEXT}; {who, why}`),
    `{{:counter, :"${TS}"}, :noproc}`,
  )
})

test('unlink and demonitor from Elixir hold', async (t) => {
  const { node, peer } = await connectedCluster(t)
  await node.startLink(Counter, {}, { name: 'counter' })
  await peer.eval('Process.flag(:trap_exit, true)')
  await peer.eval(`pid = GenServer.call(${THERE}, :pid); ref = Process.monitor(pid); Process.link(pid)`)
  t.equal(await peer.eval('{Process.unlink(pid), Process.demonitor(ref, [:flush])}'), '{true, true}')
  await peer.eval('witness = Process.monitor(pid); GenServer.cast(pid, :crash)')
  t.equal(await peer.eval(`{:DOWN, r, _, _, _} = ${NEXT}; r == witness`), 'true')
  t.equal(await peer.eval('Process.info(self(), :message_queue_len)'), '{:message_queue_len, 0}')
})

const AGENT = `
  {:ok, _} = Agent.start(fn -> 0 end, name: :agent)
  defmodule Interop.Echo do
    use GenServer
    def init(x), do: {:ok, x}
    def handle_call(:crash, _from, _s), do: exit(:crashed)
    def handle_call(:never, _from, s), do: {:noreply, s}
    def handle_call(:get, _from, s), do: {:reply, s, s}
    def handle_call({:echo, x}, _from, s), do: {:reply, x, s}
    def handle_cast({:put, x}, _s), do: {:noreply, x}
    def handle_info({:reply_to, pid}, s), do: (send(pid, {:from, self(), s}); {:noreply, s})
  end
  {:ok, echo} = GenServer.start(Interop.Echo, :start, name: :echo)
  :ok
`

test('TypeScript calls, casts and sends to an Elixir server', async (t) => {
  const { node, peer } = await connectedCluster(t)
  await peer.eval(AGENT)
  t.equal(await node.call(['echo', EX], atom('get')), atom('start'))
  node.cast(['echo', EX], tuple(atom('put'), 'new'))
  t.equal(await node.call(['echo', EX], atom('get')), 'new')
  const terms: Term[] = [
    null,
    1,
    2n ** 70n,
    'text',
    [1, tuple(2, atom('x'))],
    new Map([[atom('k'), 'v']]),
    node.self,
  ]
  for (const term of terms) {
    t.same(inspect(await node.call(['echo', EX], tuple(atom('echo'), term))), inspect(term))
  }
  const answer = new Promise<Term>((resolve) => {
    node.spawn(async (self) => {
      self.send(['echo', EX], tuple(atom('reply_to'), self.pid))
      resolve(await self.receive())
    })
  })
  const from = (await answer) as Tuple<[Term, Pid, Term]>
  t.equal(from[0], atom('from'))
  t.equal(from[1].node, atom(EX))
  t.equal(from[2], 'new')
})

test('calls to Elixir fail with noproc, timeout, exit and nodedown', async (t) => {
  const { node, peer } = await connectedCluster(t)
  await peer.eval(AGENT)
  await t.rejects(node.call(['nobody', EX], 1), { code: 'noproc' })
  await t.rejects(node.call(['echo', EX], atom('never'), { timeout: 50 }), { code: 'timeout' })
  await t.rejects(node.call(['echo', EX], atom('crash')), { code: 'exit', reason: atom('crashed') })
  await peer.eval('{:ok, _} = GenServer.start(Interop.Echo, :start, name: :echo)')
  const waiting = node.call(['echo', EX], atom('never'), { timeout: 'infinity' })
  const failed = t.rejects(waiting, { code: 'nodedown' })
  await peer.kill()
  await failed
  t.same(node.runtime.pending(), { calls: 0, aliases: 0, remoteMonitors: 0, spawns: 0 })
})

test('TypeScript monitors and links an Elixir process and hears how it ended', async (t) => {
  const { node, peer } = await connectedCluster(t)
  await peer.eval(AGENT)
  const pid = (await node.rpc.call(EX, 'erlang', 'whereis', [atom('echo')])) as Pid
  const down = new Promise<Term>((resolve) => node.monitor(pid, resolve))
  const byName = new Promise<Term>((resolve) => node.monitor(['echo', EX], resolve))
  const linked = new Promise<Term>((resolve) => {
    node.spawn(async (self) => {
      self.trapExit = true
      self.link(pid)
      resolve(await self.receive())
    })
  })
  await waitFor(
    async () => Number(await peer.eval('length(elem(Process.info(Process.whereis(:echo), :links), 1))')) > 0,
    {
      what: 'the link',
    },
  )
  node.exit(pid, atom('bye'))
  t.equal(await down, atom('bye'))
  t.equal(await byName, atom('bye'))
  t.equal(inspect(await linked), inspect(tuple(atom('EXIT'), pid, atom('bye'))))
  t.equal(await new Promise((resolve) => node.monitor(pid, resolve)), atom('noproc'))
})

test('when the Elixir node dies, monitors, links and a demonitor behave', async (t) => {
  const { node, peer } = await connectedCluster(t)
  await peer.eval(AGENT)
  const pid = (await node.rpc.call(EX, 'erlang', 'whereis', [atom('echo')])) as Pid
  const silent: Reference = node.monitor(pid, () => t.fail('a removed monitor fired'))
  node.demonitor(silent)
  const down = new Promise<Term>((resolve) => node.monitor(pid, resolve))
  const exited = new Promise<Term>((resolve) => {
    node.spawn(async (self) => {
      self.trapExit = true
      self.link(pid)
      resolve(await self.receive())
    })
  })
  await node.call(pid, atom('get'))
  await peer.kill()
  t.equal(await down, atom('noconnection'))
  t.equal(inspect(await exited), inspect(tuple(atom('EXIT'), pid, atom('noconnection'))))
})

test('a process of ours runs on both sides of a link', async (t) => {
  const { node, peer } = await connectedCluster(t)
  await node.startLink(Counter, {}, { name: 'counter' })
  await peer.eval(
    `pid = GenServer.call(${THERE}, :pid); child = spawn(fn -> Process.link(pid); receive do :go -> exit(:gone) end end)`,
  )
  const ended = new Promise<Term>((resolve) => node.monitor('counter', resolve))
  await peer.eval('send(child, :go)')
  t.equal(await ended, atom('gone'), 'the link takes the server with it')
  t.equal(node.whereis('counter'), undefined)
})

test('1,000 messages of one Elixir process arrive in order, also large ones', async (t) => {
  const { node, peer } = await connectedCluster(t)
  const seen: number[] = []
  const all = new Promise<void>((resolve) => {
    node.spawn(async (self) => {
      self.register('sink')
      while (seen.length < 1000) {
        const message = await self.receive()
        if (message instanceof Tuple) seen.push(message[0] as number)
      }
      resolve()
    })
  })
  await waitFor(() => node.whereis('sink'), { what: 'the sink' })
  await peer.eval(
    `for i <- 1..1000, do: send({:sink, :"${TS}"}, {i, String.duplicate("x", rem(i, 50) * 5000)}); :ok`,
  )
  await all
  t.same(
    seen,
    Array.from({ length: 1000 }, (_, index) => index + 1),
  )
})

test('1,000 messages to one Elixir process arrive in order, also large ones', async (t) => {
  const { node, peer } = await connectedCluster(t)
  await peer.eval(`
    sink = spawn(fn -> receive do {:start, pid} -> send(pid, {:seen, for(_ <- 1..1000, do: receive do {i, _} -> i end)}) end end)
    Process.register(sink, :sink)`)
  for (let i = 1; i <= 1000; i++) node.send(['sink', EX], tuple(i, 'x'.repeat((i % 50) * 5000)))
  const seen = await peer.eval(
    'send(:sink, {:start, self()}); receive do {:seen, list} -> list == Enum.to_list(1..1000) after 8000 -> :nothing end',
  )
  t.equal(seen, 'true')
})

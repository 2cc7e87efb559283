/** `:global` with real BEAM nodes: names, locks, conflicts and introductions, from both sides. */
import { test } from 'tap'
import { atom, type BeamNode, ExportFun, float, inspect, type Pid, type Term, tuple } from '../src/index.ts'
import { freePort, type Peer, waitFor } from './peer.ts'
import {
  connectedCluster,
  EX,
  startCluster,
  startExPeer,
  startTsNode,
  type Teardown,
  TS,
} from './support/cluster.ts'
import { Counter } from './support/servers.ts'

/** A process of ours that keeps what it gets. */
function collector(node: BeamNode): { pid: Pid; got: Term[] } {
  const got: Term[] = []
  const pid = node.spawn(async (self) => {
    for (;;) got.push(await self.receive())
  })
  return { pid, got }
}

function theirs(peer: Peer, code: string, value: string): Promise<unknown> {
  return waitFor(async () => (await peer.eval(code)) === value, {
    what: `${code} to be ${value}`,
    timeout: 10_000,
  })
}

function gone(node: BeamNode, name: Term): Promise<unknown> {
  return waitFor(() => node.global.whereis(name) === undefined, { what: `${inspect(name)} to go` })
}

test('a name of either side is called, cast to, sent to and monitored from the other', async (t) => {
  const { node, peer } = await connectedCluster(t)
  await node.global.sync()
  t.equal(await peer.eval(':global.sync()'), ':ok')
  const counter = await node.startLink(Counter, { start: 5 }, { name: { global: 'counter' } })
  t.equal(await peer.eval('GenServer.call({:global, "counter"}, :get)'), '5')
  t.equal(await peer.eval('GenServer.cast({:via, :global, "counter"}, :inc)'), ':ok')
  t.equal(await peer.eval('GenServer.call({:via, :global, "counter"}, :get)'), '6')
  t.equal(await peer.eval('node(:global.send("counter", :anything))'), `:"${TS}"`)
  t.equal(await peer.eval('GenServer.call({:global, "counter"}, :get)'), '106')

  const name = { global: tuple(atom('echo'), 1) }
  await peer.eval(`
    pid = spawn(fn ->
      loop = fn loop, seen ->
        receive do
          {:"$gen_call", from, :seen} -> GenServer.reply(from, Enum.reverse(seen)); loop.(loop, seen)
          {:"$gen_cast", :stop} -> exit(:normal)
          message -> loop.(loop, [message | seen])
        end
      end
      loop.(loop, [])
    end)
    :yes = :global.register_name({:echo, 1}, pid)
  `)
  t.equal(node.global.whereis(name.global)?.node.name, EX)
  for (let i = 0; i < 100; i++) node.send(name, i)
  t.same(await node.call(name, atom('seen')), [...Array(100).keys()], 'in the order in which they were sent')
  const ended = new Promise((resolve) => node.monitor(name, resolve))
  node.cast(name, atom('stop'))
  t.equal(await ended, atom('normal'))
  t.equal(await new Promise((resolve) => node.monitor(name, resolve)), atom('noproc'))
  t.throws(() => node.global.send(name.global, 1), { code: 'ERR_GLOBAL_NO_NAME' })
  await t.rejects(node.call(name, atom('seen')), { code: 'noproc' })

  node.exit(counter, atom('kill'))
  await theirs(peer, ':global.whereis_name("counter")', ':undefined')
})

test('a server whose name is taken does not start, on either side', async (t) => {
  const { node, peer } = await connectedCluster(t)
  await node.global.sync()
  const ours = await node.startLink(Counter, {}, { name: { global: atom('ours') } })
  const started =
    'case Agent.start(fn -> 1 end, name: {:global, :ours}) do {:error, {:already_started, p}} -> node(p) end'
  t.equal(await peer.eval(started), `:"${TS}"`)
  await peer.eval('{:ok, theirs} = Agent.start(fn -> 1 end, name: {:global, :theirs})')
  const error = await node.startLink(Counter, {}, { name: { global: atom('theirs') } }).catch((e) => e)
  t.equal(error.reason[0], atom('already_started'))
  t.equal(error.reason[1].node, atom(EX))

  t.notOk(await node.global.register('another name', ours), 'a process has one name')
  const pid = await node.startLink(Counter)
  t.notOk(await node.global.register(atom('theirs'), pid), 'a name has one process')
  await node.global.reregister(atom('theirs'), pid)
  t.equal(await peer.eval('GenServer.call({:global, :theirs}, :get)'), '0')
  t.equal(await peer.eval(':global.re_register_name(:theirs, theirs)'), ':yes')
  await waitFor(() => node.global.whereis(atom('theirs'))?.node.name === EX, { what: 'the name to move' })
  await node.global.unregister(atom('theirs'))
  t.equal(await peer.eval(':global.whereis_name(:theirs)'), ':undefined')
  t.equal(await peer.eval(':global.unregister_name(:ours)'), ':ok')
  t.same(node.global.names(), [])
})

test('1 and 1.0 are two names, and so are a binary and an atom of one text', async (t) => {
  const { node, peer } = await connectedCluster(t)
  await node.global.sync()
  await peer.eval(
    'for n <- [1, 1.0, {2.0}], do: :yes = :global.register_name(n, spawn(fn -> Process.sleep(:infinity) end))',
  )
  const [integer, number] = [node.global.whereis(1), node.global.whereis(float(1))]
  t.ok(integer !== undefined && number !== undefined && !integer.equals(number))
  t.equal(node.global.whereis(tuple(2)), undefined)
  t.same(
    node.global
      .names()
      .map((name) => inspect(name))
      .sort(),
    ['1', '1.0', '{2.0}'],
  )
  for (const name of [float(7), 7, 'seven', atom('seven')]) {
    t.ok(await node.global.register(name, collector(node).pid))
  }
  t.equal(
    await peer.eval(
      'for(n <- [7, 7.0, "seven", :seven], do: :global.whereis_name(n)) |> Enum.uniq() |> length()',
    ),
    '4',
  )
})

test('a lock excludes the other side, and goes with its holder', async (t) => {
  const { node, peer } = await connectedCluster(t)
  const held = 'held'
  const tried = `:global.trans({"${held}", self()}, fn -> :done end, [node(), :"${TS}"], 0)`
  const inside = await node.global.trans(held, () => peer.eval(tried))
  t.equal(inside, ':aborted')
  t.equal(await peer.eval(tried), ':done')
  await t.rejects(
    node.global.trans(held, () => Promise.reject(new Error('mine'))),
    { message: 'mine' },
  )
  t.equal(await peer.eval(tried), ':done', 'also after a failure')

  await peer.eval(`
    test = self()
    holder = spawn(fn ->
      true = :global.set_lock({"${held}", self()})
      send(test, :locked)
      Process.sleep(:infinity)
    end)
    receive do :locked -> :ok end
  `)
  t.notOk(await node.global.setLock(held, 'me', { retries: 0 }))
  await t.rejects(
    node.global.trans(held, () => {}, { retries: 0 }),
    { code: 'ERR_GLOBAL_ABORTED' },
  )
  const giveUp = new AbortController()
  const waiting = node.global.trans(held, () => {}, { signal: giveUp.signal })
  giveUp.abort(new Error('too long'))
  await t.rejects(waiting, { message: 'too long' })
  const later = node.global.trans(held, () => 'at last')
  await peer.eval('Process.exit(holder, :kill)')
  t.equal(await later, 'at last')

  t.ok(await node.global.setLock(held, atom('us'), { retries: 0 }))
  t.equal(
    await peer.eval(`:global.set_lock({"${held}", :us}, [node(), :"${TS}"], 0)`),
    'true',
    'one requester',
  )
  t.equal(await peer.eval(`:global.set_lock({"${held}", :others}, [node(), :"${TS}"], 0)`), 'false')
  await node.global.delLock(held, atom('us'))
  t.equal(
    await peer.eval(`:global.set_lock({"${held}", :others}, [node(), :"${TS}"], 0)`),
    'false',
    'theirs is left',
  )
  t.equal(await peer.eval(`:global.del_lock({"${held}", :us})`), 'true')
  t.equal(await peer.eval(`:global.set_lock({"${held}", :others}, [node(), :"${TS}"], 0)`), 'true')
})

/** A node of ours and one of theirs that each have the name `:it`, and meet. */
async function conflict(t: Teardown, ours: string, registerTheirs: string, resolve?: Resolve) {
  const { node, peer } = await startCluster(t, { node: { name: `${ours}@127.0.0.1` } })
  const mine = collector(node)
  await node.global.register(atom('it'), mine.pid, resolve === undefined ? {} : { resolve })
  await peer.eval(`
    test = self()
    theirs = spawn(fn ->
      loop = fn loop -> receive do m -> send(test, m) end; loop.(loop) end
      loop.(loop)
    end)
    :yes = ${registerTheirs}
  `)
  await peer.eval(`true = Node.connect(:"${ours}@127.0.0.1")`)
  await node.global.sync()
  t.teardown(() => node.stop())
  return { node, peer, ...mine }
}

type Resolve = Parameters<BeamNode['global']['register']>[2] extends { resolve?: infer R } | undefined
  ? R
  : never

/** ex is the node of theirs: one name of ours is smaller, the other greater. */
for (const ours of ['aa', 'zz']) {
  const oursIsSmaller = ours === 'aa'
  const them = (peer: Peer) => peer.eval('Process.alive?(theirs)')
  const winnerNode = oursIsSmaller ? 'aa@127.0.0.1' : EX

  test(`a conflict of names: the process on the smaller node stays, when we are ${ours}`, async (t) => {
    const { node, peer, pid } = await conflict(t, ours, ':global.register_name(:it, theirs)')
    t.equal(node.global.whereis(atom('it'))?.node.name, winnerNode)
    await theirs(peer, 'node(:global.whereis_name(:it))', `:"${winnerNode}"`)
    await waitFor(() => node.runtime.isAlive(pid) === oursIsSmaller, { what: 'the end of the loser' })
    await theirs(peer, 'Process.alive?(theirs)', String(!oursIsSmaller))
  })

  test(`a conflict of names: random_notify tells the loser, when we are ${ours}`, async (t) => {
    const register = ':global.register_name(:it, theirs, &:global.random_notify_name/3)'
    const { node, peer, pid, got } = await conflict(t, ours, register, 'random_notify_name')
    t.equal(node.global.whereis(atom('it'))?.node.name, winnerNode)
    const message = '{:global_name_conflict, :it}'
    if (oursIsSmaller) t.equal(await peer.eval('receive do m -> m after 5000 -> :nothing end'), message)
    else t.equal(await waitFor(() => got[0] && inspect(got[0]), { what: 'the message' }), message)
    t.ok(node.runtime.isAlive(pid))
    t.equal(await them(peer), 'true')
  })

  test(`a conflict of names: notify_all leaves nobody the name, when we are ${ours}`, async (t) => {
    const register = ':global.register_name(:it, theirs, &:global.notify_all_name/3)'
    const { node, peer, got } = await conflict(t, ours, register, 'notify_all_name')
    await gone(node, atom('it'))
    await theirs(peer, ':global.whereis_name(:it)', ':undefined')
    const told = await peer.eval(
      'receive do {:global_name_conflict, :it, p} -> node(p) after 5000 -> :nothing end',
    )
    t.equal(told, `:"${ours}@127.0.0.1"`)
    await waitFor(() => got.length > 0, { what: 'our message' })
    t.match(inspect(got[0] as Term), /^{:global_name_conflict, :it, #PID<.*>}$/)
  })

  test(`a conflict of names: a function of the smaller side decides, when we are ${ours}`, async (t) => {
    // Each function gives the process of the greater node the name, which no standard one does.
    const asked: unknown[] = []
    const greatest = (name: Term, one: Pid, other: Pid): Pid => {
      asked.push(name)
      return one.node.name > other.node.name ? one : other
    }
    const register = ':global.register_name(:it, theirs, fn _, a, b -> Enum.max_by([a, b], &node/1) end)'
    const { node, peer } = await conflict(t, ours, register, greatest)
    const greater = oursIsSmaller ? EX : `${ours}@127.0.0.1`
    t.equal(node.global.whereis(atom('it'))?.node.name, greater)
    await theirs(peer, 'node(:global.whereis_name(:it))', `:"${greater}"`)
    t.same(asked, oursIsSmaller ? [atom('it')] : [])
  })
}

test('a conflict of names: what no function resolves leaves nobody the name', async (t) => {
  const missing = new ExportFun(atom('Elixir.Nowhere'), atom('resolve'), 3)
  const { node, peer } = await conflict(t, 'aa', ':global.register_name(:it, theirs)', missing)
  await gone(node, atom('it'))
  await theirs(peer, ':global.whereis_name(:it)', ':undefined')
})

test('a node that dies takes its names and locks along, on both sides', async (t) => {
  const { node, peer, epmdPort } = await connectedCluster(t)
  await node.global.sync()
  await peer.eval('{:ok, _} = Agent.start(fn -> 1 end, name: {:global, :theirs})')
  await peer.eval('true = :global.set_lock({:held, :them})')
  t.notOk(await node.global.setLock(atom('held'), atom('me'), { retries: 0 }))
  await peer.kill()
  await gone(node, atom('theirs'))
  t.ok(await node.global.setLock(atom('held'), atom('me')))

  const other = await startExPeer(t, { epmdPort, name: 'other' })
  await other.eval(`true = Node.connect(:"${TS}")`)
  await node.global.sync()
  await node.global.register(atom('ours'), node.self)
  t.equal(await other.eval('node(:global.whereis_name(:ours))'), `:"${TS}"`)
  await node.stop()
  await theirs(other, ':global.whereis_name(:ours)', ':undefined')
  t.equal(await other.eval(':global.sync()'), ':ok')
})

test('nodes introduce each other, and names travel with them', async (t) => {
  const epmdPort = await freePort()
  const node = await startTsNode(t, { epmdPort })
  const [one, two] = await Promise.all(['one', 'two'].map((name) => startExPeer(t, { epmdPort, name })))
  if (one === undefined || two === undefined) return
  await one.eval(':yes = :global.register_name(:one, spawn(fn -> Process.sleep(:infinity) end))')
  await node.global.register(atom('ours'), node.self)
  await one.eval(`true = Node.connect(:"${TS}")`)
  await two.eval(`true = Node.connect(:"one@127.0.0.1")`)
  await waitFor(() => node.nodes().length === 2, { what: 'two to come to us', timeout: 15_000 })
  await theirs(two, 'Node.list() |> Enum.sort()', '[:"one@127.0.0.1", :"ts@127.0.0.1"]')
  await theirs(two, ':global.registered_names() |> Enum.sort()', '[:one, :ours]')

  // The other way round: we introduce two BEAM nodes that never heard of each other.
  const [three, four] = await Promise.all(['three', 'four'].map((name) => startExPeer(t, { epmdPort, name })))
  if (three === undefined || four === undefined) return
  const second = await startTsNode(t, { epmdPort, name: 'second@127.0.0.1' })
  await second.connect('three@127.0.0.1')
  await second.global.sync()
  await second.connect('four@127.0.0.1')
  await theirs(three, 'Node.list() |> Enum.sort()', '[:"four@127.0.0.1", :"second@127.0.0.1"]')
  await theirs(four, 'Node.list() |> Enum.sort()', '[:"second@127.0.0.1", :"three@127.0.0.1"]')
  for (const peer of [three, four]) t.equal(await peer.eval(':global.sync()'), ':ok')
})

test('hidden nodes and nodes with connectAll false share no names, and block nobody', async (t) => {
  const { node, peer } = await connectedCluster(t, { node: { hidden: true } })
  await node.global.register(atom('ours'), node.self)
  t.equal(await peer.eval(':global.sync()'), ':ok')
  t.equal(await peer.eval(':global.register_name(:theirs, self())'), ':yes')
  t.equal(await peer.eval(':global.whereis_name(:ours)'), ':undefined')
  t.equal(node.global.whereis(atom('theirs')), undefined)
  t.same(node.nodes(), [])
  t.equal(node.global.whereis(atom('ours')), node.self)

  const epmdPort = await freePort()
  const apart = await startTsNode(t, { epmdPort, connectAll: false, name: 'apart@127.0.0.1' })
  const [one, two] = await Promise.all(
    ['one', 'two'].map((name) => startExPeer(t, { epmdPort, name, args: ['-connect_all', 'false'] })),
  )
  await apart.connect('one@127.0.0.1')
  await apart.connect('two@127.0.0.1')
  for (const other of [one, two]) {
    t.equal(await other?.eval(':global.register_name(node(), self())'), ':yes')
    t.equal(await other?.eval('Node.list()'), '[:"apart@127.0.0.1"]')
  }
  t.same(apart.global.names(), [])
})

test('what is no message of the protocol changes nothing', async (t) => {
  const { node, peer } = await connectedCluster(t)
  await node.global.sync()
  await peer.eval(`
    server = {:global_name_server, :"${TS}"}
    for m <- [:x, {:exchange, 1, 2, 3, 4}, {:in_sync}, {:new_nodes, :a, :b, :c, :d, :e}, {:init_connect, 1, 2, 3}] do
      GenServer.cast(server, m)
      send(server, m)
    end
    for m <- [{:lost_connection, :a, :b, :c, :d}, {:remove_connection, 1}, {:whereis, 1, 2}], do: send(server, m)
  `)
  t.equal(await peer.eval(`GenServer.call({:global_name_server, :"${TS}"}, :get_protocol_version)`), '8')
  t.equal(await peer.eval(`GenServer.call({:global_name_server, :"${TS}"}, :get_known)`), `[:"${EX}"]`)
  t.equal(await peer.eval(`GenServer.call({:global_name_server, :"${TS}"}, :get_synced)`), `[:"${EX}"]`)
  t.equal(await peer.eval(`GenServer.call({:global_name_server, :"${TS}"}, {:sync, [node()]})`), ':ok')
  const whereis = `send({:global_name_server, :"${TS}"}, {:whereis, :nobody, {self(), :tag}})`
  t.equal(await peer.eval(`${whereis}; receive do m -> m after 5000 -> :nothing end`), '{:tag, :undefined}')
})

test('nodes that come all at once and register at once end up with the same names', async (t) => {
  const epmdPort = await freePort()
  const first = await startTsNode(t, { epmdPort, name: 'm0@127.0.0.1' })
  const peers = await Promise.all(['a_beam', 'z_beam'].map((name) => startExPeer(t, { epmdPort, name })))
  const later = ['m1', 'n2', 'b3'].map((name) =>
    startTsNode(t, { epmdPort, name: `${name}@127.0.0.1`, connect: ['m0@127.0.0.1'] }),
  )
  const joins = peers.map((peer) => peer.eval(`true = Node.connect(:"m0@127.0.0.1")`))
  const nodes = [first, ...(await Promise.all(later))]
  await Promise.all(joins)
  const pids = nodes.map((node) => collector(node).pid)
  const ours = nodes.map((node, i) => node.global.register(node.name, pids[i] as Pid))
  const contended = nodes.map((node) => node.global.register('one', collector(node).pid))
  const beams = peers.map((peer) => peer.eval(':global.register_name(node(), self())', { timeout: 30_000 }))
  t.same(
    await Promise.all(ours),
    nodes.map(() => true),
  )
  t.same(await Promise.all(beams), [':yes', ':yes'])
  t.ok((await Promise.all(contended)).some(Boolean))
  for (const peer of peers) {
    await waitFor(async () => (await peer.eval('length(Node.list())')) === '5', {
      what: 'everybody to be connected',
      timeout: 30_000,
    })
    await waitFor(async () => (await peer.eval('length(:global.registered_names())')) === '7', {
      what: 'all names',
      timeout: 30_000,
    })
  }
  const holder = (await peers[0]?.eval('node(:global.whereis_name("one"))')) ?? ''
  for (const node of nodes) {
    await waitFor(() => node.nodes().length === 5 && node.global.names().length === 7, {
      what: `the full view of ${node.name}`,
      timeout: 30_000,
    })
    t.equal(inspect(node.global.whereis('one')?.node as Term), holder)
  }
  t.equal(await peers[1]?.eval('node(:global.whereis_name("one"))'), holder)
})

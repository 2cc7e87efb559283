/** Nodes that come and go, seen by processes here and there: `net_kernel:monitor_nodes`, `Node.monitor`, hidden nodes. */
import { test } from 'tap'
import { atom, type BeamNode, inspect, type MonitorNodesOptions, type Term } from '../src/index.ts'
import { freePort, type Peer, waitFor } from './peer.ts'
import { EX, noticed, startCluster, startExPeer, startTsNode, TS } from './support/cluster.ts'
import { Counter } from './support/servers.ts'

const UP_OR_DOWN = `
  next = fn -> receive do {what, _} = m when what in [:nodeup, :nodedown] -> m
    {what, _, _} = m when what in [:nodeup, :nodedown] -> m
    after 10_000 -> :nothing end end
  sorted = fn {what, node, info} -> {what, node, info |> Map.delete(:connection_id) |> Enum.sort()}; m -> m end
`

/** Messages about nodes that a process of ours gets, printed without the number of the connection. */
function watching(node: BeamNode, options?: MonitorNodesOptions): { lines: string[]; stop: () => void } {
  const lines: string[] = []
  const pid = node.spawn(async (self) => {
    for (;;) lines.push(printed(await self.receive()))
  })
  return { lines, stop: node.monitorNodes(pid, options) }
}

function printed(message: Term): string {
  return inspect(message)
    .replace(/connection_id: \d+(, )?/, '')
    .replace(', }', '}')
}

function got(watched: { lines: string[] }, count: number): Promise<string[]> {
  return waitFor(() => watched.lines.length >= count && watched.lines, {
    what: `${count} messages, got ${watched.lines}`,
    timeout: 10_000,
  }) as Promise<string[]>
}

test('both sides hear of each other, with type and reason, as between BEAM nodes', async (t) => {
  const { node, peer, epmdPort } = await startCluster(t)
  const short = watching(node)
  const long = watching(node, { nodeType: 'all', nodedownReason: true, connectionId: true })
  const hidden = watching(node, { nodeType: 'hidden' })
  await peer.eval(`${UP_OR_DOWN}
    :ok = :net_kernel.monitor_nodes(true)
  `)
  const beam = await startExPeer(t, { epmdPort, name: 'beam' })

  // What a BEAM node says of another one, and of us, with the same options.
  await peer.eval(
    ':net_kernel.monitor_nodes(true, %{node_type: :all, nodedown_reason: true, connection_id: true})',
  )
  const heard = async (): Promise<string[]> => {
    const messages = [await peer.eval('sorted.(next.())'), await peer.eval('sorted.(next.())')]
    return messages.map((message) => message.replace(/:"\w+@127.0.0.1"/, 'node')).sort()
  }
  for (const [name, leave] of [
    [beam.name, () => beam.kill()],
    [TS, () => node.disconnect(EX)],
  ] as const) {
    await peer.eval(`true = Node.connect(:"${name}")`)
    t.same(await heard(), ['{:nodeup, node, [node_type: :visible]}', '{:nodeup, node}'], `of ${name}`)
    await leave()
    const down = '{:nodedown, node, [node_type: :visible, nodedown_reason: :connection_closed]}'
    t.same(await heard(), [down, '{:nodedown, node}'], `of ${name}`)
  }

  t.same(await got(short, 2), [`{:nodeup, :"${EX}"}`, `{:nodedown, :"${EX}"}`])
  t.same(await got(long, 2), [
    `{:nodeup, :"${EX}", %{node_type: :visible}}`,
    `{:nodedown, :"${EX}", %{node_type: :visible, nodedown_reason: :disconnect}}`,
  ])
  await node.connect(EX)
  await peer.kill()
  t.match((await got(long, 4))[3], /nodedown_reason: :connection_closed/)
  t.same(hidden.lines, [])
  short.stop()
  const shy = await startExPeer(t, { epmdPort, name: 'shy', hidden: true })
  await shy.eval(`true = Node.connect(:"${TS}")`)
  t.same(await got(hidden, 1), ['{:nodeup, :"shy@127.0.0.1", %{node_type: :hidden}}'])
  t.equal(short.lines.length, 4, 'the one that stopped hears nothing, and heard of visible nodes only')
})

test('a node is monitored in both directions, connected to first, and down at once when there is none', async (t) => {
  const { node, peer } = await startCluster(t)
  const died = new Promise<void>((resolve) => node.monitorNode(EX, resolve))
  await waitFor(() => node.nodes().length === 1, { what: 'the connection that a monitor makes' })
  const messages: Term[] = []
  const pid = node.spawn(async (self) => {
    for (;;) messages.push(await self.receive())
  })
  node.monitorNode(EX, pid)
  node.monitorNode(EX, pid)
  node.monitorNode(EX, () => t.fail('a monitor that ended fires no more'))()
  await peer.eval(`Node.monitor(:"${TS}", true)`)
  node.disconnect(EX)
  t.equal(await peer.eval('receive do m -> m after 5000 -> :nothing end'), `{:nodedown, :"${TS}"}`)
  await died
  await waitFor(() => messages.length === 2, { what: 'one message for each monitor' })
  t.same(
    messages.map((message) => inspect(message)),
    Array(2).fill(`{:nodedown, :"${EX}"}`),
  )

  await new Promise<void>((resolve) => node.monitorNode('nobody@127.0.0.1', resolve))
  node.monitorNode(TS, () => t.fail('this node itself is always there'))
  const killed = new Promise<void>((resolve) => node.monitorNode(EX, resolve))
  await waitFor(() => node.nodes().length === 1, { what: 'the connection to come back' })
  await peer.kill()
  await killed
  t.throws(() => node.monitorNodes(peerPid(node)), { code: 'ERR_RUNTIME_NO_PROCESS' })
})

function peerPid(node: BeamNode) {
  const pid = node.spawn(() => {})
  node.exit(pid, atom('kill'))
  return pid
}

test('a message connects to a node that is not connected, from either side, and disconnect ends it', async (t) => {
  const { node, peer } = await startCluster(t)
  const pid = await node.startLink(Counter, {}, { name: 'counter' })
  t.equal(await peer.eval(`GenServer.call({:counter, :"${TS}"}, :get)`), '0')
  t.ok(node.runtime.isAlive(pid))
  t.equal(await peer.eval(`Node.disconnect(:"${TS}")`), 'true')
  await waitFor(() => node.nodes().length === 0, { what: 'the end of the connection' })
  await peer.eval('Process.register(self(), :main)')
  node.send(['main', EX], 'hello')
  t.equal(await peer.eval('receive do m -> m after 5000 -> :nothing end'), '"hello"')
  t.ok(node.disconnect(EX))
  t.notOk(node.disconnect(EX))
  await noticed(node, peer)
  t.equal(await node.ping(EX), 'pong')
  t.equal(await node.ping('nobody@127.0.0.1'), 'pang')
  t.equal(await peer.eval(`Node.ping(:"${TS}")`), ':pong')
})

test('hidden and visible nodes mixed: who is hidden is seen as such by all, and has no part in pg and global', async (t) => {
  const epmdPort = await freePort()
  const node = await startTsNode(t, { epmdPort })
  const ours = await startTsNode(t, { epmdPort, name: 'hidden_ts@127.0.0.1', hidden: true })
  const peer = await startExPeer(t, { epmdPort })
  const shy = await startExPeer(t, { epmdPort, name: 'shy', hidden: true })
  for (const other of [TS, 'hidden_ts@127.0.0.1']) await peer.eval(`true = Node.connect(:"${other}")`)
  for (const other of [TS, 'hidden_ts@127.0.0.1', EX]) await shy.eval(`true = Node.connect(:"${other}")`)
  await node.connect('hidden_ts@127.0.0.1')
  const list = (kind: string, on: Peer) => on.eval(`Node.list(${kind}) |> Enum.sort()`)
  t.equal(await list(':visible', peer), `[:"${TS}"]`)
  t.equal(await list(':hidden', peer), '[:"hidden_ts@127.0.0.1", :"shy@127.0.0.1"]')
  t.equal(await list(':visible', shy), '[]', 'a hidden node sees everybody as hidden')
  t.same(node.nodes().map(String), [EX])
  t.same(node.nodes('hidden').map(String).sort(), ['hidden_ts@127.0.0.1', 'shy@127.0.0.1'])
  t.same(ours.nodes(), [])
  t.same(ours.nodes('hidden').length, 3)

  await Promise.all(
    [peer, shy].map((one) => one.eval('{:ok, _} = :pg.start(:pg); :ok = :pg.join(:g, self())')),
  )
  node.pg().join(atom('g'), node.self)
  ours.pg().join(atom('g'), ours.self)
  await node.global.sync()
  for (const one of [node, ours]) await one.global.register(one.name, one.self)
  for (const one of [peer, shy]) await one.eval(':yes = :global.register_name(node(), self())')
  const visible = [`:"${EX}"`, `:"${TS}"`]
  const nodesOf = ':pg.get_members(:g) |> Enum.map(&node/1) |> Enum.sort()'
  await waitFor(async () => (await peer.eval(nodesOf)) === `[${visible.join(', ')}]`, { what: 'their group' })
  await waitFor(() => node.pg().members(atom('g')).length === 2, { what: 'our group' })
  await waitFor(
    async () => (await peer.eval(':global.registered_names() |> Enum.sort()')) === `[${visible.join(', ')}]`,
    {
      what: 'their names',
    },
  )
  t.same(node.global.names().map(String).sort(), [EX, TS])
  t.equal(await shy.eval(nodesOf), '[:"shy@127.0.0.1"]')
  t.equal(ours.pg().members(atom('g')).length, 1)
  t.same(ours.global.names().map(String), ['hidden_ts@127.0.0.1'])
})

test('a node that stops is there for others until its processes have ended, and so are their names and groups', async (t) => {
  const { node, peer } = await startCluster(t)
  await peer.eval('{:ok, _} = :pg.start(:pg)')
  node.rpc.expose('m', { double: (n) => Number(n) * 2 })
  const answers: string[] = []
  class Slow extends Counter {
    override init(options: { start?: number }) {
      this.self.trapExit = true
      return super.init(options)
    }

    override async terminate() {
      answers.push(
        await peer.eval(`Node.ping(:"${TS}")`),
        await peer.eval(`:rpc.call(:"${TS}", :m, :double, [4])`),
        await peer.eval(':global.whereis_name(:slow) |> node()'),
        await peer.eval(':pg.get_members(:slow) |> length()'),
        String(await node.rpc.call(EX, 'Elixir.String', 'upcase', ['x'])),
      )
    }
  }
  const pid = await node.startLink(Slow)
  await node.connect(EX)
  await node.global.sync()
  await node.global.register(atom('slow'), pid)
  node.pg().join(atom('slow'), pid)
  await waitFor(async () => (await peer.eval(':pg.get_members(:slow) |> length()')) === '1', {
    what: 'our group',
  })
  await peer.eval(`
    for name <- [:net_kernel, :rex, :global_name_server, :pg], do: Process.monitor({name, :"${TS}"})
    server = :global.whereis_name(:slow)
    Process.monitor(server)
  `)
  await node.stop()
  t.same(answers, [':pong', '8', `:"${TS}"`, '1', 'X'])
  const next = 'receive do {:DOWN, _, _, what, _} -> what; m -> m after 5000 -> :nothing end'
  t.equal(await peer.eval(`${next} == server`), 'true', 'the server ends before the services')
})

/** Where nodes are and how they find each other: IPv6, short names, chosen ports, no epmd at all. */
import { networkInterfaces } from 'node:os'
import { type Test, test } from 'tap'
import { atom, type BeamNode, NodeError, portResolver, type Resolver, TcpNetwork } from '../src/index.ts'
import { freePort, type Peer } from './peer.ts'
import { EX, part, startExPeer, startTsNode, TS } from './support/cluster.ts'

const hasIpv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === '::1'),
)
const noIpv6 = hasIpv6 ? false : 'this machine has no IPv6 loopback'

/** Connects from their side, then from ours. */
async function bothWays(t: Test, node: BeamNode, peer: Peer, peerName: string): Promise<void> {
  t.equal(await peer.eval(`net_kernel:connect_node('${node.name}').`), 'true', 'the BEAM dials')
  t.same(node.nodes(), [atom(peerName)])
  await part(node, peer, peerName)
  await node.connect(peerName)
  t.equal(await node.ping(peerName), 'pong', 'we dial')
  t.equal(await peer.eval(`net_adm:ping('${node.name}').`), 'pong')
}

test('nodes with IPv6 addresses', { skip: noIpv6 }, async (t) => {
  const epmdPort = await freePort()
  const node = await startTsNode(t, { name: 'ts@::1', epmdPort })
  const peer = await startExPeer(t, {
    name: 'ex@::1',
    epmdPort,
    elixir: false,
    listenOn: '{0,0,0,0,0,0,0,1}',
    args: ['-proto_dist', 'inet6_tcp'],
  })
  await bothWays(t, node, peer, 'ex@::1')
})

test('short names, as -sname', async (t) => {
  const epmdPort = await freePort()
  const node = await startTsNode(t, { name: 'ts@localhost', epmdPort })
  const peer = await startExPeer(t, { name: 'ex@localhost', shortNames: true, epmdPort, elixir: false })
  await bothWays(t, node, peer, 'ex@localhost')
})

test('a node listens on the port it was told, or the first free one of a range, as a BEAM does', async (t) => {
  const epmdPort = await freePort()
  const first = await freePort()
  const node = await startTsNode(t, { epmdPort, listen: { port: [first, first + 20] } })
  t.ok(node.port >= first && node.port <= first + 20)
  const next = await startTsNode(t, {
    name: 'next@127.0.0.1',
    epmdPort,
    listen: { port: [node.port, first + 20] },
  })
  t.ok(next.port > node.port)
  const taken = startTsNode(t, { name: 'third@127.0.0.1', epmdPort, listen: { port: node.port } })
  await t.rejects(taken, { code: 'ERR_NODE_LISTEN' })
  const range = `inet_dist_listen_min ${next.port} inet_dist_listen_max ${next.port + 20}`
  const peer = await startExPeer(t, { epmdPort, elixir: false, args: ['-kernel', range] })
  await bothWays(t, next, peer, EX)
})

test('without any epmd, on one port for all nodes, as with -erl_epmd_port', async (t) => {
  const [epmdPort, port] = [await freePort(), await freePort()]
  const node = await startTsNode(t, {
    name: 'ts@127.0.0.2',
    epmd: 'none',
    epmdPort,
    listen: { port },
    resolver: portResolver(port),
  })
  const peer = await startExPeer(t, { epmdPort, elixir: false, args: ['-erl_epmd_port', String(port)] })
  await bothWays(t, node, peer, EX)
  const nobody = new TcpNetwork().connect({ host: '127.0.0.1', port: epmdPort })
  await t.rejects(nobody, { code: 'ERR_NET_REFUSED' }, 'no epmd runs')
})

test('a resolver of one’s own finds nodes its own way', async (t) => {
  const epmdPort = await freePort()
  const asked: string[] = []
  const table = new Map<string, number>()
  const resolver: Resolver = {
    async resolve({ full }) {
      asked.push(full)
      const port = table.get(full)
      if (port === undefined) throw new NodeError('ERR_NODE_UNKNOWN', `no ${full} in the table`)
      return { host: '127.0.0.1', port }
    },
  }
  // The name says nothing about where the node is: only the table does.
  const node = await startTsNode(t, { epmdPort, resolver })
  const peer = await startExPeer(t, { name: 'ex@elsewhere.example', epmdPort, elixir: false })
  await t.rejects(node.connect('ex@elsewhere.example'), { code: 'ERR_NODE_UNKNOWN' })
  const entry = await peer.eval(`erl_epmd:port_please("ex", {127,0,0,1}).`)
  table.set('ex@elsewhere.example', Number(/^\{port,(\d+),/.exec(entry)?.[1]))
  await node.connect('ex@elsewhere.example')
  t.equal(await node.ping('ex@elsewhere.example'), 'pong')
  t.same(asked, ['ex@elsewhere.example', 'ex@elsewhere.example'])
  t.equal(await peer.eval('nodes().'), `['${TS}']`)
})

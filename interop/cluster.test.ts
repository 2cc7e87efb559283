/** Clusters that form by themselves: the gossip of libcluster, and names in the DNS. */
import { test } from 'tap'
import { dnsCluster, gossipCluster } from '../src/index.ts'
import { freePort, type Peer, waitFor } from './peer.ts'
import { EX, startExPeer, startTsNode, type Teardown, TS } from './support/cluster.ts'
import { GOSSIP } from './support/gossip-peer.ts'

const ADDRESS = '233.252.1.32'

interface Side {
  readonly secret?: string
}

/** An Elixir node and ours, on the same gossip; `joins` says whether the Elixir node connects to whom it hears. */
async function gossiping(t: Teardown, ex: Side & { joins: boolean }, ts: Side) {
  const epmdPort = await freePort()
  const port = await freePort()
  const cluster = [gossipCluster({ port, address: ADDRESS, interface: '127.0.0.1', ...ts })]
  const node = await startTsNode(t, { epmdPort, cluster })
  const peer = await startExPeer(t, { epmdPort })
  await peer.eval(GOSSIP)
  const secret = ex.secret === undefined ? 'nil' : `"${ex.secret}"`
  await peer.eval(`Interop.Gossip.start(${port}, {233, 252, 1, 32}, ${secret}, ${ex.joins})`)
  return { node, peer }
}

const joined = (peer: Peer) =>
  waitFor(async () => (await peer.eval('Node.list()')) === `[:"${TS}"]`, {
    what: `${TS} in Node.list()`,
    timeout: 15_000,
  })

const told = (peer: Peer, what: string, value: string) =>
  waitFor(async () => (await peer.eval(`:persistent_term.get(:${what}, nil)`)) === value, {
    what,
    timeout: 15_000,
  })

// Pauses between packets are up to five seconds, so each way is tested once.
test('our node joins an Elixir node that it hears, without a secret', async (t) => {
  const { node, peer } = await gossiping(t, { joins: false }, {})
  await joined(peer)
  t.same(node.nodes().map(String), [EX])
})

test('an Elixir node hears ours and joins it, with a secret', async (t) => {
  const secret = 'somepassword'
  const { node, peer } = await gossiping(t, { secret, joins: true }, { secret })
  await told(peer, 'gossip_heard', `:"${TS}"`)
  await joined(peer)
  t.same(node.nodes().map(String), [EX])
})

test('nodes with different secrets do not find each other', async (t) => {
  const { node, peer } = await gossiping(t, { secret: 'one', joins: true }, { secret: 'another' })
  await told(peer, 'gossip_strange', 'true')
  t.same([node.nodes(), await peer.eval('Node.list()')], [[], '[]'])
})

test('our node joins the Elixir node of a name in the DNS, again after a loss', async (t) => {
  const epmdPort = await freePort()
  const lookup = { ipv4: async () => ['127.0.0.1'], ipv6: async () => [], services: async () => [] }
  const cluster = [dnsCluster({ query: 'ex.test', basename: 'ex', interval: 200, lookup })]
  const node = await startTsNode(t, { epmdPort, cluster })
  const peer = await startExPeer(t, { epmdPort })
  await joined(peer)
  t.equal(await peer.eval(`Node.disconnect(:"${TS}")`), 'true')
  await joined(peer)
  t.same(node.nodes().map(String), [EX])
})

/** Net ticks: an idle connection stays, a silent peer is dropped within the tick time and a quarter. */
import { test } from 'tap'
import { atom, type NodeDownInfo } from '../src/index.ts'
import { startEpmd, waitFor } from './peer.ts'
import { startCliNode } from './support/cli-node.ts'
import { connectedCluster, EX, noticed, startExPeer, TS } from './support/cluster.ts'

const TICKTIME_S = 1
const TICKING = {
  node: { netTicktime: TICKTIME_S },
  peer: { args: ['-kernel', 'net_ticktime', String(TICKTIME_S)] },
}

test('an idle connection stays up for many tick times, visible and hidden', async (t) => {
  for (const hidden of [false, true]) {
    const { node, peer } = await connectedCluster(t, { ...TICKING, node: { ...TICKING.node, hidden } })
    const lost = (): void => void t.fail('the connection was lost')
    node.on('nodedown', lost)
    await peer.eval(':net_kernel.monitor_nodes(true, node_type: :all)')
    // Nobody says anything but ticks for five tick times of the other side's clock.
    const quiet = `receive do m -> m after ${TICKTIME_S * 5000} -> :quiet end`
    t.equal(await peer.eval(quiet), ':quiet')
    t.same(node.nodes('all'), [atom(EX)])
    node.off('nodedown', lost)
    await node.stop()
    await peer.kill()
  }
})

test('an Elixir node that freezes is dropped with net_tick_timeout, and can come back', async (t) => {
  const { node, peer } = await connectedCluster(t, TICKING)
  const down = new Promise<NodeDownInfo>((resolve) => node.once('nodedown', (_name, info) => resolve(info)))
  const monitored = new Promise((resolve) => node.monitor(['rex', EX], resolve))
  await peer.freeze()
  t.equal((await down).reason, atom('net_tick_timeout'))
  t.equal(await monitored, atom('noconnection'))
  peer.signal('SIGCONT')
  await noticed(node, peer)
  t.equal(await peer.eval(`Node.connect(:"${TS}")`), 'true')
})

test('a node of ours that freezes is dropped by Elixir, and joins again when it thaws', async (t) => {
  const epmd = await startEpmd()
  t.teardown(() => epmd.kill())
  const peer = await startExPeer(t, { epmdPort: epmd.port, ...TICKING.peer })
  const frozen = await startCliNode(t, { epmdPort: epmd.port, args: ['--connect', EX] })
  await waitFor(async () => (await peer.eval('Node.list()')) === `[:"${TS}"]`, { what: 'our node to join' })
  await peer.eval(':net_kernel.monitor_nodes(true)')
  frozen.process.kill('SIGSTOP')
  const next = 'receive do m -> m after 10_000 -> :quiet end'
  t.equal(await peer.eval(next, { timeout: 15_000 }), `{:nodedown, :"${TS}"}`)
  frozen.process.kill('SIGCONT')
  t.equal(await peer.eval(next, { timeout: 15_000 }), `{:nodeup, :"${TS}"}`)
})

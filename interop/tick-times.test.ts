/** Net ticks between nodes of different tick times and intensities: who is idle stays, who is silent goes. */
import { type Test, test } from 'tap'
import { atom, type NodeDownInfo } from '../src/index.ts'
import { EX, startCluster, TS } from './support/cluster.ts'

const TICKTIME_S = 4

/** Connected, and the BEAM hears of every node that comes or goes. */
async function watchedCluster(t: Test, node: object, ticktime: number) {
  const args = ['-kernel', 'net_ticktime', String(ticktime)]
  const cluster = await startCluster(t, { node, peer: { elixir: false, args } })
  await cluster.peer.eval(
    `net_kernel:connect_node('${TS}'), net_kernel:monitor_nodes(true, [{node_type, all}]).`,
  )
  return cluster
}

const quiet = (seconds: number): string => `receive M -> M after ${seconds * 1000} -> quiet end.`

test('a BEAM with a much shorter tick time than ours keeps an idle connection, since ticks are answered', async (t) => {
  const keeps = async (hidden: boolean): Promise<void> => {
    const { node, peer } = await watchedCluster(t, { netTicktime: 600, hidden }, 1)
    t.equal(await peer.eval(quiet(3)), 'quiet', hidden ? 'hidden' : 'visible')
    t.same(node.nodes('all'), [atom(EX)])
  }
  await Promise.all([keeps(false), keeps(true)])
})

test('an idle connection stays for more than the tick time, and a frozen BEAM is given up by it', async (t) => {
  const stays = async (intensity: number): Promise<void> => {
    const { node, peer } = await watchedCluster(
      t,
      { netTicktime: TICKTIME_S, netTickIntensity: intensity },
      TICKTIME_S,
    )
    const down = new Promise<NodeDownInfo>((resolve) => node.once('nodedown', (_name, info) => resolve(info)))
    t.equal(await peer.eval(quiet(TICKTIME_S * 1.25)), 'quiet')
    const frozen = performance.now()
    await peer.freeze()
    t.equal((await down).reason, atom('net_tick_timeout'))
    const silence = (performance.now() - frozen) / 1000
    // The last tick may have been a quarter of the tick time ago; a loaded machine may be late, but never early.
    t.ok(silence > TICKTIME_S / 2 - 0.1, `after ${silence.toFixed(1)} s, with intensity ${intensity}`)
  }
  await Promise.all([stays(4), stays(40)])
})

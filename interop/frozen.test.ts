/** A node whose event loop stands still for longer than the tick time keeps its connections. */
import { test } from 'tap'
import { atom, GenServer, reply, startNode } from '../src/index.ts'
import { connectedCluster, TS } from './support/cluster.ts'

const TICKTIME_S = 4
const LOST = 'lost@127.0.0.1'

/** Runs in the event loop of the node, as most servers do. */
class Blocker extends GenServer<null> {
  override init() {
    return null
  }
  override handleCall() {
    const until = performance.now() + 3 * TICKTIME_S * 1000
    while (performance.now() < until);
    return reply(atom('done'), null)
  }
}

test('a child that blocks for three tick times costs the node no connection; without ticks of the thread it does', async (t) => {
  const warnings: string[] = []
  const logger = {
    debug: () => {},
    info: () => {},
    error: () => {},
    warn: (fields: object, message: string) => void warnings.push(`${message} ${JSON.stringify(fields)}`),
  }
  const { node, peer, epmdPort } = await connectedCluster(t, {
    node: { netTicktime: TICKTIME_S, logger },
    peer: { args: ['-kernel', 'net_ticktime', String(TICKTIME_S)] },
  })
  // In the same process, so its event loop is frozen as well; nobody ticks for it.
  const lost = await startNode({
    name: LOST,
    cookie: 'interop',
    epmdPort,
    netTicktime: TICKTIME_S,
    frozenTicktime: 0,
    hidden: true,
    logger,
  })
  t.teardown(() => lost.stop())
  t.equal(await peer.eval(`Node.connect(:"${LOST}")`), 'true')
  await node.startLink(Blocker, undefined, { name: 'blocker' })
  // The thread comes up with the second turn of its timer.
  await new Promise((resolve) => setTimeout(resolve, 3000))
  await peer.eval(':net_kernel.monitor_nodes(true, [:nodedown_reason, node_type: :all])')
  t.equal(
    await peer.eval(`GenServer.call({:blocker, :"${TS}"}, :block, 60_000)`, { timeout: 60_000 }),
    ':done',
  )
  t.equal(await peer.eval(`:"${TS}" in Node.list()`), 'true')
  t.equal(
    await peer.eval(
      'receive do {:nodedown, node, info} -> {node, info[:nodedown_reason]} after 5000 -> :nothing end',
    ),
    `{:"${LOST}", :net_tick_timeout}`,
  )
  // The stream is whole: what follows the ticks arrives.
  t.equal(
    await peer.eval(`{_, x} = :erpc.call(:"${TS}", :erlang, :node, []) |> then(&{1, &1}); x`),
    `:"${TS}"`,
  )
  t.equal(
    await peer.eval(
      `for(n <- 1..300, do: GenServer.call({:net_kernel, :"${TS}"}, {:is_auth, n})) |> Enum.uniq()`,
    ),
    '[:yes]',
  )
  t.match(
    warnings.join('\n'),
    /a process held the event loop.*"name":":blocker","process":"Blocker","callback":"handleCall"/,
  )
})

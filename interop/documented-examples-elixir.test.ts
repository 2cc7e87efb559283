/**
 * The documented examples of the hex package `distributed_supervisor` on Elixir nodes that run `{Beamjoin, name: DS}`: by its
 * own name, and by the name of the package, which is defined where the package is not.
 *
 * With BEAMJOIN_HEX=FOLDER, the compiled modules of the package and of what it needs, they run against the package as
 * well: so they say what it does.
 */
import { type Test, test } from 'tap'
import { freePort, type Peer } from './peer.ts'
import { startExPeer, startTsNode, type Teardown } from './support/cluster.ts'
import { documentedExamples } from './support/documented-examples.ts'
import { documentedCluster, documentedSupervisor } from './support/documented-supervisor.ts'
import { ELIXIR_WORKER } from './support/documented-worker.ts'

const HEX = process.env['BEAMJOIN_HEX']

/** Elixir nodes that know `Example.Worker`, on the epmd of a node without a supervisor that they are not connected to. */
async function startPeers(t: Teardown, count: number, args: readonly string[] = []): Promise<Peer[]> {
  const epmdPort = await freePort()
  await startTsNode(t, { epmdPort })
  const peers: Peer[] = []
  for (let i = 1; i <= count; i++) {
    const peer = await startExPeer(t, { epmdPort, name: `ex${i}@127.0.0.1`, args })
    // Nobody reads what children say when they crash.
    await peer.eval(`:ok = :logger.set_primary_config(:level, :critical); ${ELIXIR_WORKER}`)
    peers.push(peer)
  }
  return peers
}

async function allExamples(t: Test, peer: Peer, api: string): Promise<void> {
  await documentedSupervisor(t, peer, api)
  await documentedExamples(t, {
    peer,
    api,
    worker: 'Example.Worker',
    startSupervisor: async (name, { cache_children = true, monitor_nodes = false } = {}) => {
      const options = `name: ${name}, cache_children?: ${cache_children}, monitor_nodes: ${monitor_nodes}`
      await peer.eval(`{:ok, pid} = ${api}.start_link(${options}); true = is_pid(pid)`)
    },
  })
}

test('with {Beamjoin, name: DS}', async (t) => {
  const [peer] = await startPeers(t, 1)
  await allExamples(t, peer!, 'Beamjoin')
})

test('with {Beamjoin, name: DS}, by the name of the package', async (t) => {
  const [peer] = await startPeers(t, 1)
  await peer!.eval('{:ok, _} = Beamjoin.start_link(name: DS)')
  await allExamples(t, peer!, 'DistributedSupervisor')
})

test('three nodes of {Beamjoin, name: DS}', async (t) => {
  await documentedCluster(t, await startPeers(t, 3), 'Beamjoin')
})

if (HEX !== undefined) {
  test('with the hex package', async (t) => {
    const [peer] = await startPeers(t, 1, [`-pa ${HEX}`])
    await allExamples(t, peer!, 'DistributedSupervisor')
  })

  test('three nodes with the hex package', async (t) => {
    await documentedCluster(t, await startPeers(t, 3, [`-pa ${HEX}`]), 'DistributedSupervisor')
  })
}

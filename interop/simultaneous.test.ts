/** We and a BEAM dial each other at the same moment: one connection comes of it, whoever has the greater name. */
import { test } from 'tap'
import { atom, silentLogger } from '../src/index.ts'
import { freePort } from './peer.ts'
import { EX, part, startExPeer, startTsNode } from './support/cluster.ts'

const ROUNDS = 25

for (const name of ['aa@127.0.0.1', 'zz@127.0.0.1']) {
  test(`${name} and ${EX} dial each other at once, ${ROUNDS} times`, async (t) => {
    const epmdPort = await freePort()
    let refused = 0
    const debug = (fields: object): void => {
      if ((fields as { code?: string }).code === 'ERR_HANDSHAKE_NOK') refused++
    }
    const node = await startTsNode(t, { name, epmdPort, logger: { ...silentLogger, debug } })
    const peer = await startExPeer(t, { epmdPort, elixir: false })
    let ups: string[] = []
    node.on('nodeup', (up) => ups.push(up.name))
    for (let round = 1; round <= ROUNDS; round++) {
      ups = []
      // The BEAM's side takes some milliseconds to begin; ours waits as long, more or less.
      const dialed = peer.eval(`net_kernel:connect_node('${name}').`)
      await new Promise((resolve) => setTimeout(resolve, round % 5))
      await node.connect(EX)
      if ((await dialed) !== 'true') t.fail(`round ${round}: the BEAM is not connected`)
      if (String(ups) !== EX) t.fail(`round ${round}: nodeup of ${ups}`)
      if ((await node.ping(EX)) !== 'pong') t.fail(`round ${round}: no pong`)
      if ((await peer.eval('nodes().')) !== `['${name}']`) t.fail(`round ${round}: the BEAM has other nodes`)
      while (node.nodes('all').length > 0) await part(node, peer)
    }
    t.comment(`${refused} attempts of the BEAM were told nok`)
    await node.connect(EX)
    t.same(node.nodes(), [atom(EX)])
  })
}

/** A node of ours in a process of its own that starts children when it is told to: `race-member.ts NAME EPMD_PORT OTHERS...`. */
import {
  type Atom,
  atom,
  DistributedSupervisor,
  inspect,
  silentLogger,
  startNode,
  type Term,
} from '../../src/index.ts'
import { COOKIE } from './cluster.ts'
import { raceAll, views } from './race.ts'
import { Counter } from './servers.ts'

const [name = '', port = '', ...others] = process.argv.slice(2)
const node = await startNode({
  name,
  cookie: COOKIE,
  epmd: 'external',
  epmdPort: Number(port),
  connect: others,
  logger: silentLogger,
})
const ds = await DistributedSupervisor.startLink(node, {
  name: 'DS',
  modules: { Counter },
  monitorNodes: 'visible',
})
node.rpc.expose('Elixir.Racer', {
  race: (names, module, on) =>
    raceAll(
      ds,
      names as Term[],
      (module as Atom).name.replace('Elixir.', ''),
      on === null ? undefined : (on as Atom),
    ),
  views: () => views(node, ds),
  nodes: () =>
    ds
      .nodes()
      .map(String)
      .sort()
      .map((member) => atom(member)),
})
console.log(inspect(node.self))
process.stdin.resume().on('end', () => process.exit())

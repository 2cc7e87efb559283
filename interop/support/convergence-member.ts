/** A node of ours in a process of its own with a supervisor DS, for tests that kill it: `convergence-member.ts NAME PORT`. */
import { atom, DistributedSupervisor, inspect, silentLogger, startNode, type Term } from '../../src/index.ts'
import { COOKIE } from './cluster.ts'
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
const DS_SERVER = 'Interop.Server'

node.rpc.expose('Elixir.Member', {
  /** Whom it is connected to, whom it runs, and who has which name. */
  view: async () => {
    const children = [...(await ds.children())].map(([child, { node: owner, id, serial }]) => {
      return `${inspect(child)} ${owner} ${id}.${serial}`
    })
    return [
      node.nodes().map(String).sort().join(),
      ds
        .localChildren()
        .map(({ node: owner, id, serial }) => `${owner} ${id}.${serial}`)
        .sort()
        .join(),
      children.sort().join(),
    ].join(';')
  },
  start: async (from, to) => {
    const starting: Promise<unknown>[] = []
    for (let i = Number(from); i <= Number(to); i++) {
      const child = [`child ${i}`, atom(`child_${i}`), i][i % 3]!
      starting.push(ds.startChild([i % 2 === 0 ? Counter : DS_SERVER, { name: child, start: i }]))
    }
    await Promise.all(starting)
    return atom('ok')
  },
  /** Each child's argument, by its own word. */
  numbers: async () => {
    const answers = [...(await ds.children()).keys()].map((child) => ds.call(child, atom('get')))
    return (await Promise.all(answers)).map(Number).sort((a, b) => a - b) as Term
  },
  crash: async (count) => {
    const children = [...(await ds.children()).values()]
    for (let i = 0; i < Number(count) && i < children.length; i++) {
      node.exit(children[Math.floor(Math.random() * children.length)]!, atom('kill'))
    }
    return atom('ok')
  },
  drain: async () => {
    const { moved, left } = await ds.drain({ timeout: 10_000 })
    setTimeout(() => void node.stop().then(() => process.exit()), 50)
    return [moved.length, left.length]
  },
})
console.log('ready')
process.stdin.resume().on('end', () => process.exit())

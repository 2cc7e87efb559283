/**
 * A node of ours in a process of its own with a supervisor DS, for tests that kill it, and a journal of what it saw (see
 * life-journal.ts): `convergence-member.ts NAME EPMD_PORT TICK_SECONDS JOURNAL OTHERS...`.
 */
import { openSync, writeSync } from 'node:fs'
import {
  type Atom,
  atom,
  DistributedSupervisor,
  inspect,
  type Pid,
  silentLogger,
  startNode,
  type Term,
} from '../../src/index.ts'
import { COOKIE } from './cluster.ts'
import { Counter } from './servers.ts'

const [name = '', port = '', tick = '', path = '', ...others] = process.argv.slice(2)
const journal = openSync(path, 'a')
const node = await startNode({
  name,
  cookie: COOKIE,
  epmd: 'external',
  epmdPort: Number(port),
  netTicktime: Number(tick),
  connect: others,
  logger: silentLogger,
})
for (const other of node.nodes()) note('up', other)
node.onNodeUp((other) => note('up', other))
node.onNodeDown((other) => note('down', other))

/** At once, so that it is there when this process is killed. */
function note(...words: readonly (string | number | Atom)[]): void {
  writeSync(journal, `${words.map(String).join(' ')} ${Date.now()}\n`)
}

class NotedCounter extends Counter {
  override init(args: unknown): number {
    const { start } = args as { start: number }
    const pid = shown(this.pid)
    note('start', start, pid)
    node.monitor(this.pid, () => note('stop', start, pid))
    return super.init(args)
  }
}

const ds = await DistributedSupervisor.startLink(node, {
  name: 'DS',
  modules: { Counter: NotedCounter },
  monitorNodes: 'visible',
})

function shown({ node: owner, id, serial }: Pid): string {
  return `${owner}/${id}.${serial}`
}

function nameOf(number: number): Term {
  return [`child ${number}`, atom(`child_${number}`), number][number % 3]!
}

node.rpc.expose('Elixir.Member', {
  connect: (nodes) => {
    for (const other of nodes as Atom[]) node.connect(other).catch(() => {})
    return atom('ok')
  },
  /** Whom it is connected to, whom it runs, and who has which name. */
  view: async () =>
    [
      node.nodes().map(String),
      ds.localChildren().map(shown),
      [...(await ds.children())].map(([child, pid]) => `${inspect(child)} ${shown(pid)}`),
    ]
      .map((words) => words.sort().join())
      .join(';'),
  start: async (from, to) => {
    const starting: Promise<unknown>[] = []
    for (let i = Number(from); i <= Number(to); i++) {
      const module = i % 2 === 0 ? NotedCounter : 'Member.Server'
      starting.push(ds.startChild([module, { name: nameOf(i), start: i }]))
    }
    await Promise.all(starting)
    return atom('ok')
  },
  /** Each child's argument, by its own word. */
  numbers: async () => {
    const answers = [...(await ds.children()).keys()].map((child) => ds.call(child, atom('get')))
    return (await Promise.all(answers)).map(Number).sort((a, b) => a - b) as Term
  },
  crash: async (numbers) => {
    const pids = await Promise.all((numbers as number[]).map((number) => ds.whereis(nameOf(number))))
    const ended = pids.map((pid) => {
      if (pid === undefined) return undefined
      const down = new Promise<unknown>((resolve) => node.monitor(pid, resolve))
      node.exit(pid, atom('kill'))
      return down
    })
    await Promise.all(ended)
    return atom('ok')
  },
  leave: async () => {
    const { moved, left } = await ds.drain({ timeout: 10_000 })
    setTimeout(() => void node.stop().then(() => process.exit()), 50)
    return `${moved.length} moved, ${left.length} left`
  },
})
console.log('ready')
process.stdin.resume().on('end', () => process.exit())

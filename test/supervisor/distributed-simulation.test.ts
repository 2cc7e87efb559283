/**
 * Rounds of random trouble over the network in memory: nodes die, leave, come back and are cut off from each other,
 * children are started, ended and crash. After each round everything must come to rest in order.
 *
 * The seed is in the name of each test; `BEAMJOIN_SEED=7 BEAMJOIN_ROUNDS=500` runs another one, or longer.
 */
import { test } from 'tap'
import type { BeamNode } from '../../src/beam-node.ts'
import { atom, type Term, TermSet } from '../../src/etf/index.ts'
import type { DistributedSupervisor } from '../../src/supervisor/index.ts'
import { MemoryCluster } from '../support/memory-cluster.ts'
import { counterClass, supervise } from './distributed.ts'

const HOSTS = ['a', 'b', 'c', 'd', 'e']
const ROUNDS = Number(process.env['BEAMJOIN_ROUNDS'] ?? 40)
const SEEDS = process.env['BEAMJOIN_SEED'] === undefined ? [1, 2, 3] : [Number(process.env['BEAMJOIN_SEED'])]

/** Time for every failover and every conflict to be settled. */
const REST_MS = 8_000

interface Member {
  readonly node: BeamNode
  readonly ds: DistributedSupervisor
}

/** Numbers from 0 to 1 that depend on the seed alone (mulberry32). */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

class Simulation {
  readonly #cluster: MemoryCluster
  readonly #random: () => number
  readonly #Counter = counterClass()
  readonly #members = new Map<string, Member>()
  /** Names that have to live after the round. */
  readonly #mustLive = new TermSet<Term>()
  readonly #log: string[] = []
  #counter = 0

  constructor(cluster: MemoryCluster, seed: number) {
    this.#cluster = cluster
    this.#random = random(seed)
  }

  async begin(): Promise<void> {
    for (const one of HOSTS) {
      for (const other of HOSTS) this.#cluster.network.setDelay(this.#below(4) * this.#below(60), one, other)
    }
    for (const host of HOSTS) await this.#join(host)
    await this.#cluster.settle()
  }

  /** @returns what is wrong, with what led to it; undefined when all is well */
  async round(): Promise<string | undefined> {
    this.#log.length = 0
    for (let i = this.#below(5); i >= 0; i--) await this.#trouble()
    await this.#repair()
    await this.#cluster.clock.elapse(REST_MS)
    const wrong = await this.#check()
    return wrong === undefined ? undefined : `${wrong} after ${this.#log.join(', ')}`
  }

  async #trouble(): Promise<void> {
    const host = this.#pick([...this.#members.keys()])
    const { node, ds } = this.#members.get(host)!
    const kind = this.#below(8)
    if (kind <= 1) await this.#start(ds)
    else if (kind === 2) await this.#end(ds)
    else if (kind === 3) this.#crash(ds)
    else if (kind === 4 && this.#members.size > 2) {
      this.#note(`kill ${host}`)
      this.#members.delete(host)
      await this.#cluster.kill(node)
    } else if (kind === 5 && this.#members.size > 2) {
      this.#note(`leave ${host}`)
      // Whoever leaves takes its children along; copies that others run of them may stay.
      for (const pid of ds.localChildren()) this.#mustLive.delete((await ds.whois(pid)) as Term)
      this.#members.delete(host)
      await this.#cluster.leave(node)
    } else {
      const other = this.#members.get(this.#pick([...this.#members.keys()]))!
      if (other.node === node || !node.nodes().includes(other.node.name)) return
      this.#note(`cut ${node.name}-${other.node.name}`)
      await this.#cluster.cut(node, other.node)
    }
    await this.#cluster.clock.elapse(this.#below(3) * this.#below(1_500))
  }

  async #start(ds: DistributedSupervisor): Promise<void> {
    const name = `child ${this.#counter++}`
    const before = this.#log.length
    const starting = ds.startChild([this.#Counter, { name }])
    if (this.#below(3) === 0) {
      this.#note(`start ${name}, not awaited`)
      starting.catch(() => {})
      return
    }
    try {
      const { pid } = await this.#cluster.during(starting)
      this.#note(`start ${name} at ${pid.node}`)
      if (before > 0) return
      // Nothing has gone wrong yet, so everybody hears of it.
      this.#mustLive.add(name)
      await this.#cluster.clock.elapse(500)
    } catch (error) {
      this.#note(`no ${name}: ${error}`)
    }
  }

  async #end(ds: DistributedSupervisor): Promise<void> {
    const names = [...(await ds.children()).keys()]
    if (names.length === 0) return
    const name = this.#pick(names)
    this.#note(`end ${name}`)
    this.#mustLive.delete(name)
    try {
      await this.#cluster.during(ds.terminateChild(await ds.whereis(name)))
    } catch (error) {
      this.#note(`not ended: ${error}`)
    }
  }

  #crash(ds: DistributedSupervisor): void {
    const local = ds.localChildren()
    if (local.length === 0) return
    const pid = this.#pick(local)
    this.#note(`crash ${pid} of ${pid.node}`)
    this.#members.get(String(pid.node.name.split('@')[1]))?.node.exit(pid, atom('kill'))
  }

  /** Heals every cut and brings every node back. */
  async #repair(): Promise<void> {
    this.#cluster.network.heal()
    const up = [...this.#members.values()]
    for (const one of up) {
      for (const other of up) {
        if (one !== other && !one.node.nodes().includes(other.node.name)) {
          await this.#cluster.connect(one.node, other.node)
        }
      }
    }
    for (const host of HOSTS) if (!this.#members.has(host)) await this.#join(host)
  }

  async #join(host: string): Promise<void> {
    const node = await this.#cluster.add(host)
    const ds = await this.#cluster.during(supervise(node, { modules: { Counter: this.#Counter } }))
    this.#members.set(host, { node, ds })
  }

  async #check(): Promise<string | undefined> {
    const members = [...this.#members.values()]
    const seen = await Promise.all(
      members.map(async ({ ds }) =>
        [...(await ds.children())].map(([name, pid]) => `${name}=${pid.key}`).sort(),
      ),
    )
    const [first = [], ...others] = seen
    for (const [index, other] of others.entries()) {
      if (other.join() !== first.join()) {
        return `${members[index + 1]!.node.name} sees ${difference(other, first)} other than ${members[0]!.node.name}`
      }
    }
    const running = members.flatMap(({ ds }) => ds.localChildren().map(({ key }) => key)).sort()
    const named = first.map((line) => line.slice(line.indexOf('=') + 1)).sort()
    if (running.join() !== named.join())
      return `running but not named, or named but not running: ${difference(running, named)}`
    const names = new Set(first.map((line) => line.slice(0, line.indexOf('='))))
    for (const name of this.#mustLive) if (!names.has(String(name))) return `${name} is gone`
    // What lives after a round without anybody having ended it has to live on.
    for (const name of names) this.#mustLive.add(name)
    return undefined
  }

  #note(what: string): void {
    this.#log.push(what)
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#below(items.length)]!
  }
}

function difference(one: readonly string[], other: readonly string[]): string {
  const only = (a: readonly string[], b: readonly string[]): string[] => a.filter((item) => !b.includes(item))
  return [...only(one, other).map((item) => `+${item}`), ...only(other, one).map((item) => `-${item}`)].join(
    ' ',
  )
}

for (const seed of SEEDS) {
  test(`every name has one owner after each of ${ROUNDS} rounds of trouble, seed ${seed}`, async (t) => {
    const cluster = new MemoryCluster(t)
    const simulation = new Simulation(cluster, seed)
    await simulation.begin()
    for (let round = 1; round <= ROUNDS; round++) {
      const wrong = await simulation.round()
      if (wrong !== undefined) {
        t.fail(`round ${round}: ${wrong}`)
        return
      }
    }
    t.pass(`${ROUNDS} rounds`)
  })
}

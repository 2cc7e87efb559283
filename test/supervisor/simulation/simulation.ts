/**
 * Twenty nodes in memory on a clock turned by hand, and one random action after the other: nodes are killed, leave, join
 * and are cut off; children are started, ended and crash. While time passes no child may live twice for long; when a part
 * of the cluster has been left alone for a while, everybody in it must agree, and on what is expected.
 */
import type { TestCluster } from '../../../src/testing/index.ts'
import { crash, crashLoop, race, start, terminate } from './child-trouble.ts'
import { checkAlways, checkCalm } from './invariants.ts'
import { cutPair, healPair, merge, split } from './link-trouble.ts'
import { drain, join, joinAnother, kill, killInDrain, leave } from './node-trouble.ts'
import { emptyComponent, REST_MS, World, type WorldOptions } from './world.ts'

/** What can happen, and how often it does. */
const WEIGHTS = {
  start: 20,
  race: 6,
  terminate: 9,
  crash: 12,
  crashLoop: 1,
  kill: 8,
  leave: 4,
  drain: 5,
  killInDrain: 2,
  join: 14,
  split: 4,
  cutPair: 4,
  healPair: 6,
  merge: 9,
} as const

const ACTIONS: Readonly<Record<keyof typeof WEIGHTS, (world: World) => Promise<void> | void>> = {
  start: (world) => start(world),
  race,
  terminate,
  crash,
  crashLoop,
  kill,
  leave,
  drain: (world) => drain(world),
  killInDrain,
  join: joinAnother,
  split,
  cutPair,
  healPair,
  merge,
}

export class Simulation {
  /** How often a component that was left alone has been compared with what is expected. */
  checks = 0
  readonly #world: World

  constructor(cluster: TestCluster, options: WorldOptions) {
    this.#world = new World(cluster, options)
    this.#world.watch = () => checkAlways(this.#world)
  }

  /** What was done, with the numbers of the rounds. */
  get log(): readonly string[] {
    return this.#world.log
  }

  get births(): number {
    return this.#world.book.births
  }

  get handovers(): number {
    return this.#world.book.handovers
  }

  async begin(): Promise<void> {
    const { cluster, components, hosts, random } = this.#world
    for (const one of hosts) {
      for (const other of hosts) cluster.network.setDelay(random.below(4) * random.below(40), one, other)
    }
    const component = emptyComponent(this.#world)
    components.push(component)
    for (const host of hosts) await join(this.#world, host, component)
    await this.#world.elapse(REST_MS)
  }

  /** @returns what is wrong; undefined when all is well */
  async round(number: number): Promise<string | undefined> {
    const world = this.#world
    world.beginRound(number)
    const { random } = world
    await ACTIONS[random.weighted(WEIGHTS)](world)
    await world.elapse(random.below(10) < 7 ? random.below(3) * random.below(700) : REST_MS)
    world.wrong ??= checkAlways(world)
    for (const component of world.components) {
      if (world.wrong !== undefined || !world.isCalm(component)) continue
      this.checks++
      const wrong = await checkCalm(world, component)
      if (wrong !== undefined) world.wrong = `among ${[...component.hosts].join(' ')}: ${wrong}`
    }
    return world.wrong
  }
}

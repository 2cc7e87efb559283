/**
 * Twenty nodes in memory on a clock turned by hand, and one random action after the other: nodes are killed, leave, join
 * and are cut off; children are started, ended and crash. While time passes no child may live twice for long; when a part
 * of the cluster has been left alone for a while, everybody in it must agree, and on what is expected.
 *
 * Each round has random numbers of its own, so leaving one out does not change the others.
 */
import type { BeamNode } from '../../../src/beam-node.ts'
import { atom, inspect, type Term, tuple } from '../../../src/etf/index.ts'
import type { Restart } from '../../../src/supervisor/index.ts'
import type { MemoryCluster } from '../../support/memory-cluster.ts'
import { Component } from './component.ts'
import { type Life, LifeBook, type Place } from './life-book.ts'
import { Random } from './random.ts'
import { type ChildToStart, ELIXIR_MODULE, type Member, startMember } from './supervision.ts'

export interface SimulationOptions {
  readonly seed: number
  /** Nodes of ours, and of Elixir. */
  readonly ours: number
  readonly elixir: number
}

/** Time for every failover and every conflict to be settled. */
const REST_MS = 10_000
/** How long a child may live twice on nodes that see each other. */
const TWICE_MS = 2_000
/** Until everybody has heard of a start or an end. */
const NEWS_MS = 1_000
/** Until the other nodes have asked an Elixir node how its new child is started. */
const ASKING_MS = 2_500
const SLICE_MS = 100
/** Of the children that are started. */
const MODULES = ['Counter', 'Painter', ELIXIR_MODULE]
const FEWEST_NODES = 7
const MOST_CHILDREN = 60

const ACTIONS = {
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

export class Simulation {
  readonly #cluster: MemoryCluster
  readonly #options: SimulationOptions
  readonly #hosts: string[] = []
  readonly #members = new Map<string, Member>()
  readonly #components: Component[] = []
  readonly #children = new Map<string, ChildToStart>()
  /** Until when a name is too new for everybody to know it. */
  readonly #newUntil = new Map<string, number>()
  readonly #cutPairs = new Set<string>()
  readonly #book: LifeBook
  /** What was done, with the numbers of the rounds. */
  readonly log: string[] = []
  checks = 0
  #round = 0
  #random: Random
  #wrong: string | undefined

  constructor(cluster: MemoryCluster, options: SimulationOptions) {
    this.#cluster = cluster
    this.#options = options
    this.#book = new LifeBook(() => cluster.clock.now())
    this.#random = new Random(options.seed)
    for (let i = 0; i < options.ours + options.elixir; i++) this.#hosts.push(`h${i}`)
  }

  get births(): number {
    return this.#book.births
  }

  get handovers(): number {
    return this.#book.handovers
  }

  async begin(): Promise<void> {
    for (const one of this.#hosts) {
      for (const other of this.#hosts) {
        this.#cluster.network.setDelay(this.#random.below(4) * this.#random.below(40), one, other)
      }
    }
    this.#components.push(new Component([], this.#now))
    for (const host of this.#hosts) await this.#join(host, this.#components[0]!)
    await this.#elapse(REST_MS)
  }

  /** @returns what is wrong; undefined when all is well */
  async round(number: number): Promise<string | undefined> {
    this.#round = number
    this.#random = new Random(Math.imul(this.#options.seed, 1_000_003) + number)
    this.#cluster.log.length = 0
    await this.#act(this.#random.weighted(ACTIONS))
    const pause = this.#random.below(10) < 7 ? this.#random.below(3) * this.#random.below(700) : REST_MS
    await this.#elapse(pause)
    for (const component of this.#components) {
      if (this.#wrong !== undefined || !this.#isCalm(component)) continue
      const wrong = await this.#check(component)
      if (wrong !== undefined) this.#wrong = `among ${[...component.hosts].join(' ')}: ${wrong}`
    }
    return this.#wrong
  }

  get #now(): number {
    return this.#cluster.clock.now()
  }

  #act(action: keyof typeof ACTIONS): Promise<void> | void {
    switch (action) {
      case 'start':
        return this.#start(1)
      case 'race':
        return this.#start(3)
      case 'terminate':
        return this.#terminate()
      case 'crash':
        return this.#crash()
      case 'crashLoop':
        return this.#crashLoop()
      case 'kill':
        return this.#kill()
      case 'leave':
        return this.#leave()
      case 'drain':
        return this.#drain(false)
      case 'killInDrain':
        return this.#drain(true)
      case 'join':
        return this.#joinAnother()
      case 'split':
        return this.#split()
      case 'cutPair':
        return this.#cutPair()
      case 'healPair':
        return this.#healPair()
      case 'merge':
        return this.#merge()
      default:
        return action satisfies never
    }
  }

  // Children.

  async #start(times: number): Promise<void> {
    const component = this.#pickComponent()
    const callers = this.#random.sample(this.#membersOf(component), times)
    const child = this.#childToStart(component)
    const isCalm = this.#isCalm(component)
    const fate = component.fates.get(child.key)
    component.touch(this.#now)
    const at = callers.map(({ place }) => place.host).join(' and ')
    const starting = Promise.all(callers.map((caller) => caller.start(child)))
    if (times === 1 && this.#random.below(4) === 0) {
      this.#note(`start ${child.key} (${child.module}, ${child.restart}) at ${at}, not awaited`)
      component.doubt(child.key)
      return
    }
    const outcomes = await this.#cluster.during(starting)
    this.#note(`start ${child.key} (${child.module}, ${child.restart}) at ${at}: ${outcomes.join(', ')}`)
    component.touch(this.#now)
    if (outcomes.includes('ok')) {
      component.fates.set(child.key, 'alive')
      this.#newUntil.set(child.key, this.#now + NEWS_MS)
      return
    }
    // An Elixir node asks the node that the ring names, and takes its word.
    const mustWork = isCalm && callers.some(({ isElixir }) => !isElixir) && this.#canRun(component, child)
    if (mustWork && fate !== 'alive') this.#wrong = `${child.key} did not start: ${outcomes.join(', ')}`
    if (fate !== 'alive') component.doubt(child.key)
  }

  #childToStart(component: Component): ChildToStart {
    const isFull = [...component.fates.values()].filter((fate) => fate === 'alive').length >= MOST_CHILDREN
    const ended = [...component.fates].filter(([, fate]) => fate === 'dead').map(([key]) => key)
    const again =
      isFull || this.#random.below(3) === 0 ? this.#random.pick([...this.#children.keys()]) : undefined
    const old = this.#random.below(2) === 0 && ended.length > 0 ? this.#random.pick(ended) : again
    if (old !== undefined) return this.#children.get(old)!
    const number = this.#round
    const name = this.#random.pick<Term>([
      `child ${number}`,
      atom(`child_${number}`),
      tuple(atom('child'), number) as Term,
      number,
    ])
    const module = this.#random.pick(MODULES)
    const restart = this.#random.pick<Restart>([
      'permanent',
      'permanent',
      'permanent',
      'transient',
      'temporary',
    ])
    const child = { key: inspect(name), name, module, restart }
    this.#children.set(child.key, child)
    return child
  }

  async #terminate(): Promise<void> {
    const component = this.#pickComponent()
    const member = this.#random.pick(this.#membersOf(component))
    const children = [...(await member.children())]
    if (children.length === 0) return
    const [name, pid] = this.#random.pick(children)
    const key = inspect(name)
    const isCalm = this.#isCalm(component)
    component.touch(this.#now)
    const isEnded = await this.#cluster.during(member.terminate(pid))
    this.#note(`terminate ${key} on ${pid.node} at ${member.place.host}: ${isEnded ? 'ok' : 'not found'}`)
    component.touch(this.#now)
    component.fates.set(key, isEnded && isCalm ? 'dead' : 'either')
    this.#newUntil.set(key, this.#now + NEWS_MS)
    if (isCalm && !isEnded) this.#wrong = `${key} could not be terminated`
  }

  #crash(): void {
    const component = this.#pickComponent()
    const life = this.#pickLife(component)
    if (life === undefined) return
    this.#note(`crash ${life.key} on ${life.place.host}`)
    component.touch(this.#now)
    if (this.#children.get(life.key)!.restart === 'temporary') component.doubt(life.key)
    life.place.node!.exit(life.pid, atom('kill'))
  }

  async #crashLoop(): Promise<void> {
    const component = this.#pickComponent()
    const life = this.#pickLife(component)
    if (life === undefined) return
    this.#note(`crash loop of ${life.key} on ${life.place.host}`)
    component.touch(this.#now)
    this.#book.failing.set(life.key, 0)
    // Its supervisor gives up, and with it go all children of the node.
    this.#doubtChildrenOn(component, life.place)
    life.place.node!.exit(life.pid, atom('kill'))
    await this.#elapse(500 + this.#random.below(1_000))
    this.#doubtChildrenOn(component, life.place)
    const failures = this.#book.failing.get(life.key)!
    this.#book.failing.delete(life.key)
    component.touch(this.#now)
    if (failures > 110) this.#wrong = `${life.key} was tried ${failures} times in a crash loop`
  }

  // Nodes.

  async #kill(): Promise<void> {
    if (this.#members.size <= FEWEST_NODES) return
    const component = this.#pickComponent()
    const { place, node } = this.#random.pick(this.#membersOf(component))
    this.#note(`kill ${place.host}`)
    this.#loseChildren(component, (life) => life.place === place, [place.host])
    this.#remove(component, place)
    await this.#cluster.kill(node)
    component.touch(this.#now)
  }

  async #leave(): Promise<void> {
    if (this.#members.size <= FEWEST_NODES) return
    const component = this.#pickComponent()
    const member = this.#random.pick(this.#membersOf(component))
    const { place, node } = member
    this.#note(`leave ${place.host}`)
    component.touch(this.#now)
    // Whoever leaves takes its children along.
    this.#doubtChildrenOn(component, place)
    await this.#cluster.during(member.leave())
    this.#doubtChildrenOn(component, place)
    for (const [key, fate] of component.fates) {
      const child = this.#children.get(key)!
      if (fate === 'alive' && !this.#canRun(component, child, [place.host])) component.doubt(key)
    }
    this.#remove(component, place)
    await this.#cluster.leave(node)
    component.touch(this.#now)
  }

  /** A node of ours leaves, and its children go on elsewhere, also when it is killed before it is through. */
  async #drain(isKilled: boolean): Promise<void> {
    if (this.#members.size <= FEWEST_NODES) return
    const component = this.#pickComponent()
    const member = this.#random.pick(this.#membersOf(component))
    if (member.drain === undefined) return
    const { place, node } = member
    this.#note(`drain ${place.host}`)
    component.touch(this.#now)
    this.#loseChildren(component, (life) => life.place === place, [place.host])
    const draining = member.drain()
    if (isKilled) {
      draining.catch(() => {})
      await this.#elapse(this.#random.below(300))
      this.#note(`kill ${place.host}`)
    } else {
      await this.#cluster.during(draining)
      this.#note(`drained ${place.host}`)
    }
    this.#remove(component, place)
    await (isKilled ? this.#cluster.kill(node) : this.#cluster.leave(node))
    component.touch(this.#now)
  }

  async #joinAnother(): Promise<void> {
    const away = this.#hosts.filter((host) => !this.#members.has(host))
    if (away.length === 0) return
    const host = this.#random.pick(away)
    const component = this.#pickComponent()
    this.#note(`join ${host} with ${[...component.hosts][0]}`)
    await this.#join(host, component)
  }

  async #join(host: string, component: Component): Promise<void> {
    const place: Place = { host, node: undefined, isUp: true }
    component.touch(this.#now)
    const node = await this.#cluster.add(host, { alone: true })
    place.node = node
    for (const other of this.#members.keys()) {
      if (component.hosts.has(other)) continue
      this.#cluster.network.cut(host, other)
      this.#cluster.network.reset(host, other)
    }
    const isEarly = this.#random.below(2) === 0
    const supervise = () => this.#cluster.during(this.#startMember(node, place))
    const early = isEarly ? await supervise() : undefined
    await this.#connect([...component.hosts].map((other) => [host, other] as const))
    this.#members.set(host, early ?? (await supervise()))
    component.hosts.add(host)
    component.link(this.#now)
  }

  // Links.

  async #split(): Promise<void> {
    const component = this.#pickComponent()
    if (component.hosts.size < 2) return
    const hosts = [...component.hosts]
    const part = this.#random.sample(hosts, 1 + this.#random.below(hosts.length - 1))
    const rest = hosts.filter((host) => !part.includes(host))
    this.#note(`split ${part.join(' ')} from ${rest.join(' ')}`)
    const isIn = (group: readonly string[]) => (life: Life) => group.includes(life.place.host)
    const other = component.split(part, this.#now)
    this.#components.push(other)
    this.#loseChildren(component, isIn(part), [])
    this.#loseChildren(other, isIn(rest), [])
    await this.#cutLinks(part.flatMap((one) => rest.map((two) => [one, two] as const)))
    component.touch(this.#now)
    other.touch(this.#now)
  }

  async #merge(): Promise<void> {
    if (this.#components.length < 2) return
    const [one, other] = this.#random.sample(this.#components, 2) as [Component, Component]
    this.#note(`merge ${[...one.hosts].join(' ')} with ${[...other.hosts].join(' ')}`)
    const links = [...one.hosts].flatMap((a) => [...other.hosts].map((b) => [a, b] as const))
    one.merge(other, this.#now)
    this.#components.splice(this.#components.indexOf(other), 1)
    await this.#connect(links)
    one.link(this.#now)
  }

  /** Two nodes lose each other, and both keep the others. */
  async #cutPair(): Promise<void> {
    const component = this.#pickComponent()
    const [one, other] = this.#random.sample([...component.hosts], 2)
    if (one === undefined || other === undefined || this.#isCut(one, other)) return
    this.#note(`cut ${one} from ${other}`)
    this.#cutPairs.add(`${one} ${other}`)
    const isOnOne = ({ place }: Life) => place.host === one || place.host === other
    this.#doubtUnknown(component, isOnOne)
    component.touch(this.#now)
    await this.#cutLinks([[one, other]])
    component.touch(this.#now)
  }

  async #healPair(): Promise<void> {
    const pairs = [...this.#cutPairs]
    if (pairs.length === 0) return
    const pair = this.#random.pick(pairs)
    this.#cutPairs.delete(pair)
    const [one, other] = pair.split(' ') as [string, string]
    const component = this.#componentOf(one)
    if (component === undefined || !component.hosts.has(other)) return
    this.#note(`heal ${one} and ${other}`)
    component.touch(this.#now)
    await this.#connect([[one, other]])
    component.link(this.#now)
  }

  // What follows from it.

  /** Children on nodes that are gone come back where somebody can run them and knows how. */
  #loseChildren(component: Component, isLost: (life: Life) => boolean, without: readonly string[]): void {
    this.#doubtUnknown(component, isLost)
    for (const [key, fate] of component.fates) {
      if (fate !== 'alive') continue
      const child = this.#children.get(key)!
      const isHere = this.#book.of(key).some((life) => component.hosts.has(life.place.host) && !isLost(life))
      // Nodes of the hex package alone do not cope with the loss of several at once.
      const isSeenTo = this.#membersOf(component).some(
        ({ isElixir, place }) => !isElixir && !without.includes(place.host),
      )
      const comesBack = isSeenTo && child.restart !== 'temporary' && this.#canRun(component, child, without)
      if (!isHere && !comesBack) component.doubt(key)
    }
  }

  /** What started or ended a moment ago on these nodes, or what they tell nodes that they met a moment ago, is not known to all. */
  #doubtUnknown(component: Component, isLost: (life: Life) => boolean): void {
    for (const [key, fate] of component.fates) {
      const isNew = (this.#newUntil.get(key) ?? 0) > this.#now
      if (isNew) component.doubt(key)
      if (isNew || fate !== 'alive') continue
      const isElixir = this.#children.get(key)!.module === ELIXIR_MODULE
      const lost = this.#book.of(key).filter(isLost)
      const told = isElixir ? ASKING_MS : NEWS_MS
      const isUntold =
        lost.length > 0 &&
        (this.#now - component.linkedAt < told ||
          // Whoever was cut off from its node before has left it to others, who may be gone as well by now.
          lost.some(({ place }) => this.#isCutOff(place.host)) ||
          (isElixir && lost.some(({ since }) => this.#now - since < told)))
      if (isUntold) component.doubt(key)
    }
  }

  #isCutOff(host: string): boolean {
    return [...this.#cutPairs].some((pair) => pair.split(' ').includes(host))
  }

  #doubtChildrenOn(component: Component, place: Place): void {
    for (const key of this.#book.keys()) {
      if (this.#book.of(key).some((life) => life.place === place)) component.doubt(key)
    }
  }

  #canRun(component: Component, { module }: ChildToStart, without: readonly string[] = []): boolean {
    return this.#membersOf(component).some(
      (member) => member.runs(module) && !without.includes(member.place.host),
    )
  }

  #remove(component: Component, place: Place): void {
    place.isUp = false
    this.#members.delete(place.host)
    component.hosts.delete(place.host)
    for (const pair of this.#cutPairs) if (pair.split(' ').includes(place.host)) this.#cutPairs.delete(pair)
    if (component.hosts.size === 0) this.#components.splice(this.#components.indexOf(component), 1)
  }

  /** Whether it has been left alone for so long that all must be in order, and every link in it is whole. */
  #isCalm(component: Component): boolean {
    const isWhole = ![...this.#cutPairs].some((pair) => component.hosts.has(pair.split(' ')[0]!))
    return isWhole && this.#now - component.troubledAt >= REST_MS
  }

  async #check(component: Component): Promise<string | undefined> {
    const members = this.#membersOf(component)
    if (members.every(({ isElixir }) => isElixir)) return this.#checkElixirAlone(component)
    this.checks++
    const seen = await Promise.all(
      members.map(async (member) =>
        [...(await member.children())]
          .map(([name, pid]) => `${inspect(name)} on ${pid.node} ${pid.key}`)
          .sort(),
      ),
    )
    const [first = []] = seen
    for (const [index, view] of seen.entries()) {
      if (view.join() !== first.join()) {
        return `${members[index]!.node.name} sees ${difference(view, first)} other than ${members[0]!.node.name}`
      }
    }
    const lives = this.#book.keys().flatMap((key) => this.#book.of(key))
    const here = lives.filter(({ place }) => component.hosts.has(place.host))
    const living = here.map(({ key, pid }) => `${key} on ${pid.node} ${pid.key}`).sort()
    if (living.join() !== first.join())
      return `alive but not named, or the reverse: ${difference(living, first)}`
    const supervised = members.flatMap((member) => member.localChildren().map(({ key }) => key)).sort()
    const pids = here.map(({ pid }) => pid.key).sort()
    if (supervised.join() !== pids.join()) return `supervised, or alive: ${difference(supervised, pids)}`
    return this.#checkFates(component, new Set(here.map(({ key }) => key)))
  }

  /** Nodes of the hex package alone leave names with two owners as they are, and lose some: nothing is promised of them. */
  #checkElixirAlone(component: Component): undefined {
    for (const key of this.#children.keys()) component.doubt(key)
  }

  #checkFates(component: Component, living: ReadonlySet<string>): string | undefined {
    for (const [key, fate] of component.fates) {
      if (fate === 'alive' && !living.has(key)) return `${this.#describe(key)} should live and does not`
      if (fate === 'dead' && living.has(key)) return `${this.#describe(key)} was ended and lives`
    }
    // What has survived without anybody's promise has to live on.
    for (const key of this.#children.keys()) component.fates.set(key, living.has(key) ? 'alive' : 'dead')
    for (const member of this.#membersOf(component)) {
      if (member.complaint() !== undefined) return `${member.place.host}: ${member.complaint()}`
    }
    return this.#book.complaints[0]
  }

  #describe(key: string): string {
    const { module, restart } = this.#children.get(key)!
    return `${key} (${module}, ${restart})`
  }

  // Time and the network.

  async #elapse(ms: number): Promise<void> {
    for (let left = ms; left > 0 && this.#wrong === undefined; left -= SLICE_MS) {
      await this.#cluster.elapse(Math.min(left, SLICE_MS))
      const lives = this.#book.overlapsFor(TWICE_MS)
      if (lives !== undefined && this.#isForOneToEnd(lives)) {
        const [one, other] = lives
        this.#wrong = `${one.key} lives on ${one.place.host} and on ${other.place.host}`
      }
    }
  }

  /** Nobody ends one of two children with the same name on nodes of the hex package, unless one of ours sees both. */
  #isForOneToEnd(lives: readonly [Life, Life]): boolean {
    const [one, other] = lives.map(({ place }) => this.#members.get(place.host))
    if (one?.isElixir !== true || other?.isElixir !== true) return true
    const component = this.#componentOf(one.place.host)!
    const hasMet = this.#now - component.linkedAt > TWICE_MS
    return hasMet && this.#membersOf(component).some(({ isElixir }) => !isElixir)
  }

  async #connect(links: readonly (readonly [string, string])[]): Promise<void> {
    const open = links.filter(([one, other]) => !this.#isCut(one, other))
    for (const [one, other] of open) this.#cluster.network.heal(one, other)
    const pairs = open.map(([one, other]) => [this.#cluster.node(one), this.#cluster.node(other)] as const)
    const areConnected = () =>
      pairs.every(([a, b]) => a.nodes('all').includes(b.name) && b.nodes('all').includes(a.name))
    await this.#cluster.during(
      Promise.all(pairs.map(([a, b]) => a.connect(b.name).catch(() => b.connect(a.name).catch(() => {})))),
    )
    await this.#cluster.until(areConnected, 'all links are up')
  }

  async #cutLinks(links: readonly (readonly [string, string])[]): Promise<void> {
    for (const [one, other] of links) {
      this.#cluster.network.cut(one, other)
      this.#cluster.network.reset(one, other)
    }
    const pairs = links.map(([one, other]) => [this.#cluster.node(one), this.#cluster.node(other)] as const)
    await this.#cluster.until(
      () => pairs.every(([a, b]) => !a.nodes('all').includes(b.name) && !b.nodes('all').includes(a.name)),
      'all have noticed the cut',
    )
  }

  #isCut(one: string, other: string): boolean {
    return this.#cutPairs.has(`${one} ${other}`) || this.#cutPairs.has(`${other} ${one}`)
  }

  // Choices.

  #startMember(node: BeamNode, place: Place): Promise<Member> {
    const rebalances = this.#hosts.indexOf(place.host) % 2 === 0
    return startMember(node, place, this.#book, this.#modulesOf(place.host), rebalances)
  }

  #modulesOf(host: string): string[] {
    const index = this.#hosts.indexOf(host)
    if (index >= this.#options.ours) return [ELIXIR_MODULE]
    return [['Counter', 'Painter'], ['Counter'], ['Painter']][index % 3]!
  }

  #membersOf(component: Component): Member[] {
    return [...component.hosts].map((host) => this.#members.get(host)!)
  }

  #componentOf(host: string): Component | undefined {
    return this.#components.find(({ hosts }) => hosts.has(host))
  }

  /** Larger ones more often. */
  #pickComponent(): Component {
    return this.#componentOf(this.#random.pick([...this.#members.keys()]))!
  }

  #pickLife(component: Component): Life | undefined {
    const lives = this.#book.keys().flatMap((key) => this.#book.of(key))
    const here = lives.filter(({ place }) => component.hosts.has(place.host))
    return here.length === 0 ? undefined : this.#random.pick(here)
  }

  #note(what: string): void {
    this.log.push(`${this.#round} (${this.#now} ms): ${what}`)
  }
}

function difference(one: readonly string[], other: readonly string[]): string {
  const only = (a: readonly string[], b: readonly string[]): string[] => a.filter((item) => !b.includes(item))
  return [...only(one, other).map((item) => `+${item}`), ...only(other, one).map((item) => `-${item}`)].join(
    ' ',
  )
}

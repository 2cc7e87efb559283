/** What there is in the simulation: the nodes, which of them reach each other, the children, the time. */
import type { BeamNode } from '../../../src/beam-node.ts'
import { inspect, type Term } from '../../../src/etf/index.ts'
import type { TestCluster } from '../../../src/testing/index.ts'
import { Component } from './component.ts'
import { type Life, LifeBook, type Place } from './life-book.ts'
import { Random } from './random.ts'
import { type ChildToStart, ELIXIR_MODULE, type Member, type MemberKind, startMember } from './supervision.ts'

/** Time for every failover and every conflict to be settled. */
export const REST_MS = 10_000
/** How long a child may live twice on nodes that see each other. */
export const TWICE_MS = 2_000
const SLICE_MS = 100
const CONNECT_ATTEMPTS = 3
/** What TypeScript nodes run. */
const MODULES_OF = [['Counter', 'Painter'], ['Counter'], ['Painter']]

export interface WorldOptions {
  readonly seed: number
  /** How many nodes of each kind. */
  readonly nodes: Readonly<Record<MemberKind, number>>
}

export class World {
  readonly cluster: TestCluster
  readonly hosts: readonly string[]
  readonly #kinds: readonly MemberKind[]
  /** Those that run, by host. */
  readonly members = new Map<string, Member>()
  readonly components: Component[] = []
  /** All there ever were. */
  readonly children = new Map<string, ChildToStart>()
  /** What not everybody may know yet of a child, and of which hosts. */
  readonly news = new Map<string, { readonly until: number; readonly hosts: readonly string[] }>()
  /** Children whose start nobody waits for, while it is under way: each node that cannot be reached takes it seconds. */
  readonly starting = new Set<string>()
  readonly cutPairs = new Set<string>()
  readonly book: LifeBook
  /** What was done and which children began, with the numbers of the rounds. */
  readonly log: string[] = []
  random: Random
  /** The first thing that went wrong. */
  wrong: string | undefined
  /** Asked every slice of the time that passes. */
  watch: () => string | undefined = () => undefined
  #round = 0
  readonly #options: WorldOptions

  constructor(cluster: TestCluster, options: WorldOptions) {
    this.cluster = cluster
    this.#options = options
    this.book = new LifeBook(
      () => this.now,
      (life) => this.#follow(life),
    )
    this.random = new Random(options.seed)
    const { typescript, elixir, hex } = options.nodes
    this.#kinds = [
      ...Array<MemberKind>(typescript).fill('typescript'),
      ...Array<MemberKind>(elixir).fill('elixir'),
      ...Array<MemberKind>(hex).fill('hex'),
    ]
    this.hosts = this.#kinds.map((_, index) => `h${index}`)
  }

  get now(): number {
    return this.cluster.clock!.now()
  }

  get round(): number {
    return this.#round
  }

  /** Each round has random numbers of its own, so that leaving one out does not change the others. */
  beginRound(number: number): void {
    this.#round = number
    this.random = new Random(Math.imul(this.#options.seed, 1_000_003) + number)
    this.cluster.log.length = 0
  }

  note(what: string): void {
    this.log.push(`${this.#round} (${this.now} ms): ${what}`)
  }

  #follow({ key, pid, place }: Life): void {
    this.note(`${key} begins on ${place.host}`)
    place.node?.monitor(pid, (reason) => this.note(`${key} ends on ${place.host}: ${inspect(reason)}`))
  }

  // Who is there.

  membersOf(component: Component): Member[] {
    return [...component.hosts].map((host) => this.members.get(host)!)
  }

  componentOf(host: string): Component | undefined {
    return this.components.find(({ hosts }) => hosts.has(host))
  }

  /** Larger ones more often. */
  pickComponent(): Component {
    return this.componentOf(this.random.pick([...this.members.keys()]))!
  }

  /** Children that run on the nodes of a component. */
  livesIn(component: Component): Life[] {
    const lives = this.book.keys().flatMap((key) => this.book.of(key))
    return lives.filter(({ place }) => component.hosts.has(place.host))
  }

  pickLife(component: Component): Life | undefined {
    const here = this.livesIn(component)
    return here.length === 0 ? undefined : this.random.pick(here)
  }

  canRun(component: Component, child: ChildToStart, without: readonly string[] = []): boolean {
    return this.#runners(component, child, without).length > 0
  }

  /**
   * Whether a node that starts a child finds one that runs it. A node of the hex package asks the node that the ring names
   * and takes its word; one of ours passes the start on.
   */
  finds(component: Component, caller: Member, child: ChildToStart): boolean {
    if (!caller.isHex) return this.canRun(component, child)
    const asked = this.membersOf(component).find(({ node }) => node.name === caller.nodeFor(child.name))
    return asked?.isHex === true ? asked.runs(child.module) : this.canRun(component, child)
  }

  /** Whether a node of ours can start it, or ask one that can: those of the hex package do not see to all. */
  canRestart(component: Component, child: ChildToStart, without: readonly string[]): boolean {
    const runners = this.#runners(component, child, without)
    return this.membersOf(component).some(
      ({ isHex, place: { host } }) =>
        !isHex && !without.includes(host) && runners.some((runner) => !this.isCut(host, runner)),
    )
  }

  #runners(component: Component, { module }: ChildToStart, without: readonly string[]): string[] {
    return this.membersOf(component)
      .filter((member) => member.runs(module) && !without.includes(member.place.host))
      .map(({ place }) => place.host)
  }

  /** Whether it has been left alone for so long that all must be in order, and every link in it is whole. */
  isCalm(component: Component): boolean {
    const isWhole = ![...this.cutPairs].some((pair) => component.hosts.has(pair.split(' ')[0]!))
    return isWhole && this.now - component.troubledAt >= REST_MS
  }

  startMember(node: BeamNode, place: Place): Promise<Member> {
    const index = this.hosts.indexOf(place.host)
    const kind = this.#kinds[index]!
    const modules = kind === 'typescript' ? MODULES_OF[index % MODULES_OF.length]! : [ELIXIR_MODULE]
    const events = {
      onGaveUp: (names: readonly Term[]) => this.#doubt(place.host, names, 'gives up'),
      onForgot: (names: readonly Term[]) => this.#doubt(place.host, names, 'forgets'),
      onTakesUp: (name: Term) => {
        const isDead = this.componentOf(place.host)?.fates.get(inspect(name)) === 'dead'
        if (isDead) this.#doubt(place.host, [name], 'takes for lost')
      },
      onEndedLate: (name: Term) => this.#doubt(place.host, [name], 'decides with an old ring about'),
    }
    return startMember(node, place, kind, this.book, modules, index % 2 === 0, events)
  }

  /**
   * A node of the hex package does what nobody else can make good, it looks like what a user wants: it goes on without
   * its children after too many restarts, forgets their names after too many crashes of its registry, ends the owner of a
   * name that all others keep, or starts a child that was ended, when its node was gone before the registry heard of it.
   */
  #doubt(host: string, names: readonly Term[], why: string): void {
    const keys = names.map((name) => inspect(name))
    this.note(`${host} ${why} ${keys.join(' ')}`)
    for (const key of keys) this.componentOf(host)?.doubt(key)
  }

  /**
   * Whether a child runs on a node of the hex package that has forgotten its name, which happens when its registry
   * crashes over and over: nobody finds it any more, and its name is free.
   */
  isNameless({ pid, place }: Life): boolean {
    return this.members.get(place.host)?.isNameless(pid) === true
  }

  remove(component: Component, place: Place): void {
    place.isUp = false
    this.members.delete(place.host)
    component.hosts.delete(place.host)
    for (const pair of this.cutPairs) if (pair.split(' ').includes(place.host)) this.cutPairs.delete(pair)
    if (component.hosts.size === 0) this.components.splice(this.components.indexOf(component), 1)
  }

  // Time and the network.

  async elapse(ms: number): Promise<void> {
    for (let left = ms; left > 0 && this.wrong === undefined; left -= SLICE_MS) {
      await this.cluster.elapse(Math.min(left, SLICE_MS))
      this.wrong ??= this.watch()
    }
  }

  during<T>(promise: Promise<T>): Promise<T> {
    return this.cluster.during(promise)
  }

  isCut(one: string, other: string): boolean {
    return this.cutPairs.has(`${one} ${other}`) || this.cutPairs.has(`${other} ${one}`)
  }

  /** Whether a link of this node is cut that its component has otherwise. */
  isCutOff(host: string): boolean {
    return [...this.cutPairs].some((pair) => pair.split(' ').includes(host))
  }

  /** Heals links and connects the nodes, unless the two are cut from each other. */
  async connect(links: readonly (readonly [string, string])[]): Promise<void> {
    const { cluster } = this
    const open = links.filter(([one, other]) => !this.isCut(one, other))
    for (const [one, other] of open) cluster.network.heal(one, other)
    const pairs = this.#nodesOf(open)
    let missing = pairs
    for (let attempt = 1; missing.length > 0 && attempt <= CONNECT_ATTEMPTS; attempt++) {
      // Whoever was at it while the link was cut may wait for what is lost, and fail the first time.
      if (attempt > 1) await this.elapse(SLICE_MS)
      const connecting = missing.map(([a, b]) =>
        a.connect(b.name).catch(() => b.connect(a.name).catch(() => {})),
      )
      await this.during(Promise.all(connecting))
      missing = pairs.filter(([a, b]) => !areConnected(a, b))
    }
    await cluster.until(() => pairs.every(([a, b]) => areConnected(a, b)), 'all links are up')
  }

  /** Cuts links; both ends notice at once. */
  async cut(links: readonly (readonly [string, string])[]): Promise<void> {
    const { cluster } = this
    for (const [one, other] of links) this.block(one, other)
    const pairs = this.#nodesOf(links)
    await cluster.until(
      () => pairs.every(([a, b]) => !a.nodes('all').includes(b.name) && !b.nodes('all').includes(a.name)),
      'all have noticed the cut',
    )
  }

  block(one: string, other: string): void {
    this.cluster.network.cut(one, other)
    this.cluster.network.reset(one, other)
  }

  #nodesOf(links: readonly (readonly [string, string])[]): (readonly [BeamNode, BeamNode])[] {
    return links.map(([one, other]) => [this.cluster.node(one), this.cluster.node(other)] as const)
  }
}

/** What nothing has happened to yet. */
export function emptyComponent(world: World): Component {
  return new Component([], world.now)
}

function areConnected(a: BeamNode, b: BeamNode): boolean {
  return a.nodes('all').includes(b.name) && b.nodes('all').includes(a.name)
}

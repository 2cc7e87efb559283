/**
 * What happens to the nodes of the convergence test, round by round. It depends on the seed alone, so that a plan that
 * found something can be repeated.
 */
import { Random } from './random.ts'
import type { Cut } from './split-net.ts'

export type Action =
  /** SIGKILL. */
  | { readonly type: 'kill'; readonly node: string }
  /** Hands over its children first. */
  | { readonly type: 'leave'; readonly node: string }
  /** Starts, on the side of these nodes. */
  | { readonly type: 'join'; readonly node: string; readonly side: readonly string[] }
  /** These children are killed, as far as `by` sees them. */
  | { readonly type: 'crash'; readonly by: string; readonly children: readonly number[] }
  /** Stays for `ms` longer than it takes to be noticed, at least. */
  | {
      readonly type: 'cut'
      readonly how: Cut
      readonly sides: readonly (readonly string[])[]
      readonly ms: number
    }
  | { readonly type: 'heal' }

/** What is expected once a round is over. */
export interface Side {
  readonly nodes: readonly string[]
  /** The kinds of children that one of these nodes could run at all times, so that every one of them is to live here. */
  readonly kinds: ReadonlySet<string>
}

export interface Round {
  readonly actions: readonly Action[]
  /** One, or two while the network is cut. */
  readonly sides: readonly Side[]
}

export interface PlanOptions {
  readonly seed: number
  readonly rounds: number
  /** Children are numbered from 1. */
  readonly children: number
  /** All nodes, and the kind of children that each can run. */
  readonly nodes: ReadonlyMap<string, string>
  /** Kinds of nodes that can leave politely. */
  readonly polite: ReadonlySet<string>
}

/** How often each thing happens, relative to the others that can. */
const WEIGHTS = { cut: 4, heal: 5, kill: 4, leave: 2, join: 4, crash: 2 } as const
/** How many of the rounds have a second action at the heels of the first. */
const DOUBLE = 0.3
const CRASHING = 20
const CUT_MS = 3_000

export function planRounds(options: PlanOptions): Round[] {
  const { rounds } = options
  const planner = new Planner(options)
  const plan: Round[] = []
  let wasCut = false
  for (let round = 1; round <= rounds; round++) {
    planner.mayCut = round < rounds
    // Also a short plan has a cut and a heal, and every plan ends with one cluster.
    if (round === rounds && planner.isCut) planner.do('heal')
    else if (round === rounds - 1 && !wasCut) planner.do('cut')
    else {
      planner.doAny()
      if (round < rounds && planner.chance(DOUBLE)) planner.doAny()
    }
    const done = planner.takeRound()
    wasCut ||= planner.isCut
    plan.push(done)
  }
  return plan
}

class Planner {
  mayCut = true
  readonly #random: Random
  readonly #options: PlanOptions
  #sides: { nodes: string[]; kinds: Set<string> }[]
  #actions: Action[] = []
  /** The sides are one again, but have yet to tell each other what they know. */
  #isHealed = false
  /** Nodes that came in this round. They have yet to be told of the children. */
  readonly #fresh = new Set<string>()

  constructor(options: PlanOptions) {
    this.#random = new Random(options.seed)
    this.#options = options
    this.#sides = [{ nodes: [...options.nodes.keys()], kinds: new Set(options.nodes.values()) }]
  }

  get isCut(): boolean {
    return this.#sides.length > 1 && !this.#isHealed
  }

  chance(share: number): boolean {
    return this.#random.next() < share
  }

  takeRound(): Round {
    const actions = this.#actions
    this.#actions = []
    this.#fresh.clear()
    if (this.#isHealed) this.#sides = [this.#whole()]
    this.#isHealed = false
    const sides = this.#sides.map(({ nodes, kinds }) => ({ nodes: [...nodes], kinds: new Set(kinds) }))
    return { actions, sides }
  }

  doAny(): void {
    this.do(this.#random.weighted(WEIGHTS))
  }

  /** Nothing, when nothing of that type can be. */
  do(type: Action['type']): void {
    const done = this.#actions.map((action) => action.type)
    // What has not been noticed is not undone: neither half of it would be seen.
    const isWhole = !this.isCut && !this.#isHealed
    const isAllowed =
      type === 'cut' ? isWhole && this.mayCut : type !== 'heal' || (this.isCut && !done.includes('cut'))
    const action = isAllowed ? this.#choose(type) : undefined
    if (action === undefined) this.doAny()
    else {
      this.#actions.push(action)
      this.#apply(action)
    }
  }

  #choose(type: Action['type']): Action | undefined {
    const random = this.#random
    switch (type) {
      case 'heal':
        return { type }
      case 'cut': {
        const nodes = this.#sides[0]!.nodes
        if (nodes.length < 2) return undefined
        const some = random.sample(nodes, 1 + random.below(nodes.length - 1))
        const sides = [some, nodes.filter((node) => !some.includes(node))]
        const isKept = (kind: string): boolean => sides.some((side) => this.#keeps(side, kind))
        if (![...this.#sides[0]!.kinds].every(isKept)) return undefined
        return { type, how: random.pick(['silent', 'reset'] as const), sides, ms: random.below(CUT_MS) }
      }
      case 'kill':
      case 'leave': {
        const { nodes, polite } = this.#options
        const able = this.#dispensable().filter((node) => type === 'kill' || polite.has(nodes.get(node)!))
        return able.length === 0 ? undefined : { type, node: random.pick(able) }
      }
      case 'join': {
        const up = this.#sides.flatMap(({ nodes }) => nodes)
        // A node that has just gone may still be known: it comes back in another round.
        const gone = this.#actions.map((action) => ('node' in action ? action.node : undefined))
        const away = [...this.#options.nodes.keys()].filter(
          (node) => !up.includes(node) && !gone.includes(node),
        )
        if (away.length === 0) return undefined
        const sides = this.#isHealed ? [this.#whole()] : this.#sides
        return { type, node: random.pick(away), side: [...random.pick(sides).nodes] }
      }
      case 'crash': {
        const numbers = Array.from({ length: this.#options.children }, (_, i) => i + 1)
        const by = random.pick(this.#sides.flatMap(({ nodes }) => nodes))
        return { type, by, children: random.sample(numbers, CRASHING) }
      }
    }
  }

  /** Nodes without which every kind of children still lives somewhere, and no side is empty. */
  #dispensable(): string[] {
    return this.#sides.flatMap((side) =>
      side.nodes.filter((node) => {
        const rest = side.nodes.filter((other) => other !== node)
        return (
          rest.length > 0 &&
          [...side.kinds].every((kind) => this.#keeps(rest, kind) || this.#isKeptBeside(side, kind))
        )
      }),
    )
  }

  /** Whether these nodes know children of a kind and can run them. */
  #keeps(nodes: readonly string[], kind: string): boolean {
    return (
      nodes.some((node) => this.#options.nodes.get(node) === kind) &&
      nodes.some((node) => !this.#fresh.has(node))
    )
  }

  #whole(): { nodes: string[]; kinds: Set<string> } {
    const nodes = this.#sides.flatMap((side) => side.nodes)
    return { nodes, kinds: new Set(this.#sides.flatMap(({ kinds }) => [...kinds])) }
  }

  #isKeptBeside(side: unknown, kind: string): boolean {
    return this.#sides.some((other) => other !== side && other.kinds.has(kind))
  }

  #apply(action: Action): void {
    if (action.type === 'cut') {
      const { kinds } = this.#sides[0]!
      this.#sides = action.sides.map((nodes) => ({
        nodes: [...nodes],
        kinds: new Set([...kinds].filter((kind) => this.#keeps(nodes, kind))),
      }))
    } else if (action.type === 'heal') {
      this.#isHealed = true
    } else if (action.type === 'join') {
      this.#sides.find(({ nodes }) => nodes.includes(action.side[0]!))!.nodes.push(action.node)
      this.#fresh.add(action.node)
    } else if (action.type !== 'crash') {
      const side = this.#sides.find(({ nodes }) => nodes.includes(action.node))!
      side.nodes = side.nodes.filter((node) => node !== action.node)
      for (const kind of side.kinds) if (!this.#keeps(side.nodes, kind)) side.kinds.delete(kind)
    }
  }
}

/** An action in a line. */
export function shownAction(action: Action): string {
  switch (action.type) {
    case 'heal':
      return 'heal'
    case 'cut':
      return `cut (${action.how}, ${action.ms} ms more) ${action.sides.map(shownNodes).join(' | ')}`
    case 'join':
      return `join ${shownNodes([action.node])} to ${shownNodes(action.side)}`
    case 'crash':
      return `crash ${action.children.join()} by ${shownNodes([action.by])}`
    default:
      return `${action.type} ${shownNodes([action.node])}`
  }
}

function shownNodes(nodes: readonly string[]): string {
  return nodes.map((node) => node.split('@')[0]).join(' ')
}

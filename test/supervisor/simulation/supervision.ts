/** A node of ours, of our Elixir project or of the hex package: the same for the simulation. */
import type { BeamNode } from '../../../src/beam-node.ts'
import { type Atom, alias, atom, type Pid, type Term, Tuple } from '../../../src/etf/index.ts'
import type { GroupScope, SupervisorHost } from '../../../src/supervisor/host.ts'
import { type DistributedSupervisor, type Restart, SupervisorError } from '../../../src/supervisor/index.ts'
import { supervisorNames } from '../../../src/supervisor/names.ts'
import { supervise } from '../distributed.ts'
import { HexPeer, type HexPeerEvents, specFor } from './hex-peer.ts'
import { type LifeBook, numberOf, type Place } from './life-book.ts'

/** The module of the children that only Elixir nodes run. */
export const ELIXIR_MODULE = 'Worker'

const NAMES = supervisorNames(atom('Elixir.DS'))

/** Without a change, before children move. */
const REBALANCE_MS = 2_000

export interface ChildToStart {
  readonly key: string
  readonly name: Term
  readonly module: string
  readonly restart: Restart
}

/** A TypeScript node, one of our Elixir project, one of the hex package. */
export type MemberKind = 'typescript' | 'elixir' | 'hex'

/** `ok`, `already_started`, or why not. */
export type StartOutcome = string

export interface Member {
  readonly place: Place
  readonly node: BeamNode
  readonly isHex: boolean
  runs(module: string): boolean
  /** What its ring says. */
  nodeFor(name: Term): Atom | undefined
  start(child: ChildToStart, on?: Atom): Promise<StartOutcome>
  terminate(pid: Pid): Promise<boolean>
  /** Name and pid of every child, as this node sees it. */
  children(): Promise<ReadonlyMap<Term, Pid>>
  localChildren(): Pid[]
  /** Whether this child of the node runs and no registry knows it any more. */
  isNameless(pid: Pid): boolean
  /** Hands the children over and ends the supervisor; undefined for a node of Elixir. */
  readonly drain: (() => Promise<unknown>) | undefined
  /** Ends the supervisor in order. */
  leave(): Promise<void>
  /** Something that must not happen and did. */
  complaint(): string | undefined
}

export async function startMember(
  node: BeamNode,
  place: Place,
  kind: MemberKind,
  book: LifeBook,
  modules: readonly string[],
  rebalances: boolean,
  events: HexPeerEvents,
): Promise<Member> {
  const classes = Object.fromEntries(modules.map((module) => [module, book.childClass(place)]))
  const common = { place, node, runs: (module: string) => modules.includes(module) }
  if (kind === 'hex') {
    const peer = await HexPeer.start(node, classes, events)
    return { ...common, isHex: true, ...hexActions(peer) }
  }
  const rebalance = rebalances && { delay: REBALANCE_MS }
  const host = kind === 'elixir' ? asElixir(node) : node
  const ds = await supervise(host, { modules: classes, rebalance })
  return { ...common, isHex: false, ...ourActions(ds) }
}

/**
 * The node as one of our Elixir project shows itself: it does not say which modules it runs, but that it runs what no
 * TypeScript node claims. Its rules are the same.
 */
function asElixir(node: BeamNode): SupervisorHost {
  const { name, runtime, logger, clock, rpc } = node
  return {
    ...{ name, runtime, logger, clock, rpc },
    nodes: (kind) => node.nodes(kind),
    connect: (other) => node.connect(other),
    onNodeUp: (listener) => node.onNodeUp(listener),
    onNodeDown: (listener) => node.onNodeDown(listener),
    pg: (name) => (name === NAMES.modules ? claimingTheRest(node.pg(name)) : node.pg(name)),
  }
}

function claimingTheRest(scope: GroupScope): GroupScope {
  return {
    pid: scope.pid,
    get isAlive() {
      return scope.isAlive
    },
    join: (group, pids) => scope.join(group === alias(ELIXIR_MODULE) ? 'elixir' : group, pids),
    leave: (group, pids) => scope.leave(group, pids),
    members: (group) => scope.members(group),
    groups: () => scope.groups(),
    onChange: (listener) => scope.onChange(listener),
    stop: () => scope.stop(),
  }
}

type Actions = Pick<
  Member,
  | 'nodeFor'
  | 'start'
  | 'terminate'
  | 'children'
  | 'localChildren'
  | 'isNameless'
  | 'drain'
  | 'leave'
  | 'complaint'
>

function ourActions(ds: DistributedSupervisor): Actions {
  return {
    nodeFor: (name) => ds.nodeFor(name),
    async start({ key, name, module, restart }, on) {
      try {
        await ds.startChild([module, { name: name as never, restart, key, number: numberOf(key) }], on)
        return 'ok'
      } catch (error) {
        const isTaken = error instanceof SupervisorError && error.code === 'ERR_SUPERVISOR_ALREADY_STARTED'
        return isTaken ? 'already_started' : String(error)
      }
    },
    terminate: (pid) =>
      ds.terminateChild(pid).then(
        () => true,
        () => false,
      ),
    children: () => ds.children(),
    localChildren: () => ds.localChildren(),
    isNameless: () => false,
    drain: () => ds.drain(),
    leave: () => ds.stop(),
    complaint: () => undefined,
  }
}

function hexActions(peer: HexPeer): Actions {
  return {
    nodeFor: (name) => peer.nodeFor(name),
    async start({ key, name, module, restart }, on) {
      const answer = await peer
        .start(name, specFor(name, module, { restart, key, number: numberOf(key) }), on)
        .catch(String)
      const text = String(answer)
      if (answer instanceof Tuple && String(answer[0]) === 'ok') return 'ok'
      return text.includes('already_started') ? 'already_started' : text
    },
    terminate: (pid) =>
      peer.terminate(pid).then(
        (answer) => String(answer) === 'ok',
        () => false,
      ),
    children: async () => peer.children(),
    localChildren: () => peer.localChildren(),
    isNameless: (pid) => peer.isNameless(pid),
    drain: undefined,
    leave: () => peer.stop(),
    complaint: () => peer.strangeMessages[0],
  }
}

/** A node of ours with its supervisor, or one of the hex package: the same for the simulation. */
import type { BeamNode } from '../../../src/beam-node.ts'
import { type Atom, type Pid, type Term, Tuple } from '../../../src/etf/index.ts'
import { type DistributedSupervisor, type Restart, SupervisorError } from '../../../src/supervisor/index.ts'
import { supervise } from '../distributed.ts'
import { HexPeer, specFor } from './hex-peer.ts'
import { type LifeBook, numberOf, type Place } from './life-book.ts'

/** The module of the children that only Elixir nodes run. */
export const ELIXIR_MODULE = 'Worker'

/** Without a change, before children move. */
const REBALANCE_MS = 2_000

export interface ChildToStart {
  readonly key: string
  readonly name: Term
  readonly module: string
  readonly restart: Restart
}

/** `ok`, `already_started`, or why not. */
export type StartOutcome = string

export interface Member {
  readonly place: Place
  readonly node: BeamNode
  readonly isElixir: boolean
  runs(module: string): boolean
  start(child: ChildToStart, on?: Atom): Promise<StartOutcome>
  terminate(pid: Pid): Promise<boolean>
  /** Name and pid of every child, as this node sees it. */
  children(): Promise<ReadonlyMap<Term, Pid>>
  localChildren(): Pid[]
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
  book: LifeBook,
  modules: readonly string[],
  rebalances: boolean,
): Promise<Member> {
  const classes = Object.fromEntries(modules.map((module) => [module, book.childClass(place)]))
  const common = { place, node, runs: (module: string) => modules.includes(module) }
  if (modules.includes(ELIXIR_MODULE)) {
    const peer = await HexPeer.start(node, classes)
    return { ...common, isElixir: true, ...elixirActions(peer) }
  }
  const rebalance = rebalances && { delay: REBALANCE_MS }
  const ds = await supervise(node, { modules: classes, rebalance })
  return { ...common, isElixir: false, ...ourActions(ds) }
}

type Actions = Pick<
  Member,
  'start' | 'terminate' | 'children' | 'localChildren' | 'drain' | 'leave' | 'complaint'
>

function ourActions(ds: DistributedSupervisor): Actions {
  return {
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
    drain: () => ds.drain(),
    leave: () => ds.stop(),
    complaint: () => undefined,
  }
}

function elixirActions(peer: HexPeer): Actions {
  return {
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
    drain: undefined,
    leave: () => peer.stop(),
    complaint: () => peer.strangeMessages[0],
  }
}

/**
 * What a DistributedSupervisor needs of its node: a seam as narrow as its use, which `BeamNode` fills. The layer below
 * is not imported for it, and tests can put something else in its place.
 */
import type { Clock, Logger } from '../core/index.ts'
import type { Atom, Encodable, Pid, Term } from '../etf/index.ts'
import type { CallOptions, Runtime } from '../runtime/index.ts'

/** What is known of a node that came or went. */
export interface NodeInfo {
  readonly type: 'visible' | 'hidden'
  /** Why it went; nodes that come have none. */
  readonly reason?: Term
}

/** Pids that joined or left a group. */
export interface ScopeEvent {
  readonly type: 'join' | 'leave'
  readonly group: Term
  readonly pids: readonly Pid[]
  /** They left because their node is gone. */
  readonly nodeDown?: boolean
}

/** A scope of `:pg`. */
export interface GroupScope {
  readonly pid: Pid
  readonly isAlive: boolean
  join(group: Encodable, pids: Pid | readonly Pid[]): void
  leave(group: Encodable, pids: Pid | readonly Pid[]): boolean
  members(group: Encodable): Pid[]
  groups(): Term[]
  /** @returns ends it. */
  onChange(listener: (event: ScopeEvent) => void): () => void
  stop(): void
}

/** Functions on other nodes, and ours for them. */
export interface RemoteCalls {
  /** @throws RpcError */
  call(
    node: Atom,
    module: Atom,
    fun: string,
    args: readonly Encodable[],
    options?: CallOptions,
  ): Promise<Term>
  /** @throws RpcError */
  blockCall(
    node: Atom,
    module: Atom,
    fun: string,
    args: readonly Encodable[],
    options?: CallOptions,
  ): Promise<Term>
  /** The functions run in a process that knows who called them. */
  expose(
    module: string,
    functions: Readonly<
      Record<string, (this: { readonly caller?: Pid | undefined }, ...args: Term[]) => unknown>
    >,
  ): () => void
}

/** A node that can have a DistributedSupervisor: a `BeamNode`. */
export interface SupervisorHost {
  readonly name: Atom
  readonly runtime: Runtime
  readonly logger: Logger
  readonly clock: Clock
  readonly rpc: RemoteCalls
  nodes(kind?: 'visible' | 'hidden' | 'all'): Atom[]
  /** Rejects when the node cannot be reached. */
  connect(node: Atom): Promise<void>
  onNodeUp(listener: (node: Atom, info: NodeInfo) => void): () => void
  onNodeDown(listener: (node: Atom, info: NodeInfo) => void): () => void
  pg(scope: Atom): GroupScope
}

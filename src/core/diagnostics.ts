/**
 * Everything that can be observed from outside, through `node:diagnostics_channel`. Each channel costs one property
 * read when nobody listens: publishers ask `hasSubscribers` before they build the event.
 *
 * This is a second door of core, beside `index.ts`, because the codec must not load anything from `node:`.
 *
 * | channel | published | event |
 * |---|---|---|
 * | `beamjoin:process:exit` | after a process has ended | `ProcessExitEvent` |
 * | `beamjoin:server:call` | after a server has handled a call | `ServerCallEvent` |
 * | `beamjoin:loop:blocked` | after the event loop was held up for `limits.longSchedule` | `LoopBlockedEvent` |
 * | `beamjoin:supervisor:child` | when a child is started, restarted or terminated | `SupervisorChildEvent` |
 * | `beamjoin:distributed:child` | when a DistributedSupervisor starts, restarts, moves or gives up a child, on one node | `DistributedChildEvent` |
 * | `beamjoin:distributed:lookup` | after a DistributedSupervisor has looked up a name | `DistributedLookupEvent` |
 * | `beamjoin:distributed:call` | when a call by the name of a child has ended | `DistributedCallEvent` |
 *
 * @example
 * import { subscribe } from 'node:diagnostics_channel'
 * subscribe('beamjoin:process:exit', (event) => console.log(event))
 */
import { type Channel, channel } from 'node:diagnostics_channel'

/** Pids and terms are those of `beamjoin/etf`; core does not know their types. */
export interface ProcessExitEvent {
  readonly pid: object
  readonly reason: unknown
  /** Class or function name of what ran in the process. */
  readonly label: string
}

export interface ServerCallEvent {
  readonly pid: object
  readonly label: string
  readonly request: unknown
  /** Milliseconds between taking the call from the mailbox and the end of the callback. */
  readonly duration: number
}

export interface SupervisorChildEvent {
  readonly supervisor: object
  readonly action: 'started' | 'restarted' | 'terminated'
  readonly pid: object
  /** Why the child ended; undefined for `started`. */
  readonly reason: unknown
}

export interface DistributedChildEvent {
  /** The name of the supervisor. */
  readonly supervisor: object
  /**
   * `restarted`: after a crash, or on another node because its own is gone. `moved`: handed over to another node, told by
   * the old one. `failed`: given up after its node was gone.
   */
  readonly action: 'started' | 'restarted' | 'moved' | 'failed'
  readonly name: unknown
  /** Undefined for `failed`. */
  readonly pid: object | undefined
  /** Why it failed. */
  readonly reason: string | undefined
}

export interface DistributedLookupEvent {
  readonly supervisor: object
  readonly name: unknown
  readonly found: boolean
}

export interface DistributedCallEvent {
  readonly supervisor: object
  readonly name: unknown
  /** `ok`, or the code of the error: `noproc`, `timeout`, `nodedown`, `exit`. */
  readonly outcome: string
  /** Milliseconds from the call to its end. */
  readonly duration: number
}

export interface LoopBlockedEvent {
  /** The process that held it; undefined when it was something else. */
  readonly pid: object | undefined
  /** Its registered name. */
  readonly name: object | undefined
  readonly label: string | undefined
  /** The callback that ran last. */
  readonly callback: string | undefined
  /** Milliseconds. */
  readonly duration: number
  /** When it was no message to a process: pids of those whose code is under way, and may have gone on. */
  readonly suspects: readonly object[]
}

/** A channel that takes events of one type only. */
export interface EventChannel<E> {
  readonly hasSubscribers: boolean
  publish(event: E): void
}

/** The names of all channels. */
export const CHANNELS = {
  processExit: 'beamjoin:process:exit',
  serverCall: 'beamjoin:server:call',
  loopBlocked: 'beamjoin:loop:blocked',
  supervisorChild: 'beamjoin:supervisor:child',
  distributedChild: 'beamjoin:distributed:child',
  distributedLookup: 'beamjoin:distributed:lookup',
  distributedCall: 'beamjoin:distributed:call',
} as const

function typed<E>(name: string): EventChannel<E> {
  const untyped: Channel = channel(name)
  return untyped
}

export const processExitChannel: EventChannel<ProcessExitEvent> = typed(CHANNELS.processExit)
export const serverCallChannel: EventChannel<ServerCallEvent> = typed(CHANNELS.serverCall)
export const loopBlockedChannel: EventChannel<LoopBlockedEvent> = typed(CHANNELS.loopBlocked)
export const supervisorChildChannel: EventChannel<SupervisorChildEvent> = typed(CHANNELS.supervisorChild)
export const distributedChildChannel: EventChannel<DistributedChildEvent> = typed(CHANNELS.distributedChild)
export const distributedLookupChannel: EventChannel<DistributedLookupEvent> = typed(
  CHANNELS.distributedLookup,
)
export const distributedCallChannel: EventChannel<DistributedCallEvent> = typed(CHANNELS.distributedCall)

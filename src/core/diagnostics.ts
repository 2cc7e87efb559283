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
} as const

function typed<E>(name: string): EventChannel<E> {
  const untyped: Channel = channel(name)
  return untyped
}

export const processExitChannel: EventChannel<ProcessExitEvent> = typed(CHANNELS.processExit)
export const serverCallChannel: EventChannel<ServerCallEvent> = typed(CHANNELS.serverCall)
export const loopBlockedChannel: EventChannel<LoopBlockedEvent> = typed(CHANNELS.loopBlocked)
export const supervisorChildChannel: EventChannel<SupervisorChildEvent> = typed(CHANNELS.supervisorChild)

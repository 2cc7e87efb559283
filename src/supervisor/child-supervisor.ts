/**
 * The supervisor of the children on this node, `n.DynamicSupervisor`: a dynamic supervisor that passes on what belongs
 * elsewhere, lets go of a child whose name another node has taken, and gives and takes children that move.
 */
import { type Atom, atom, brief, type Encodable, Pid, type Term, Tuple, tuple } from '../etf/index.ts'
import { type From, isOrderlyExit, noreply, reply } from '../runtime/index.ts'
import { shutDownChild } from './child-shutdown.ts'
import { type ChildSpec, LocalSpec, parseChildSpec } from './child-spec.ts'
import {
  DynamicSupervisorServer,
  type DynamicSupervisorSettings,
  type DynamicSupervisorState,
  shouldRestart,
} from './dynamic-supervisor-server.ts'
import { SupervisorError } from './errors.ts'
import type { Handoff } from './peer-messages.ts'
import { dynamicSupervisorStruct } from './wire-terms.ts'

export interface ChildSupervisorSettings extends DynamicSupervisorSettings {
  /** The registered name. */
  readonly name: Atom
  /** The answer of the node that the child belongs on, or undefined when it is to be started here. Never rejects. */
  readonly passOn: (spec: ChildSpec) => Promise<Term> | undefined
  /** Whether the name of the child lives on another node by now. */
  readonly isTaken: (spec: ChildSpec) => boolean
  /** Whether the arguments of the child cannot be shown to other nodes. */
  readonly isPrivate: (spec: ChildSpec) => boolean
}

/** Longer than it takes to end the second owner of a name. */
const SECOND_OWNER_MS = 1_000

type ChildSupervisorState = DynamicSupervisorState & ChildSupervisorSettings

const START_CHILD = atom('start_child')
const END_CHILD = atom('$end_child')
const HANDOFF = atom('$beamjoin_handoff')
const RELEASE_CHILD = atom('$release_child')
const STATE = atom('state')
const SYSTEM = atom('system')
const TAKE_CHILD = atom('$take_child')
const EXIT = atom('EXIT')
const OK = atom('ok')
const RESTART = atom('$gen_restart')
const SHUTDOWN = atom('shutdown')

/** A request: ends a child for good, with this exit reason. Of a child that is not there, nothing is said. */
export function endChildRequest(pid: Pid, reason: Term): Term {
  return tuple(END_CHILD, pid, reason) as Term
}

/**
 * A request: ends a child that is to go on elsewhere, and answers with a `Released`, or `nil` when there is none to
 * move. Nobody is told that it ended for good: its specification is the caller's now.
 */
export function releaseChildRequest(pid: Pid): Term {
  return tuple(RELEASE_CHILD, pid) as Term
}

/** A request: starts a child here and passes it on to nobody; answered as `start_child`. */
export function takeChildRequest(spec: ChildSpec): Term {
  return tuple(TAKE_CHILD, new LocalSpec(spec) as unknown as Encodable) as Term
}

/** A child that does not run any more. */
export class Released {
  readonly handoff: Handoff

  constructor(handoff: Handoff) {
    this.handoff = handoff
  }
}

export class ChildSupervisor extends DynamicSupervisorServer {
  override init(settings: DynamicSupervisorSettings): DynamicSupervisorState {
    this.self.exactTerms = true
    return super.init(settings)
  }

  override async handleCall(request: Term, from: From, state: DynamicSupervisorState) {
    if (request instanceof Tuple && request[0] === END_CHILD && request.length === 3) {
      await this.#endChild(request[1] as Term, request[2] as Term, state)
      return reply(OK, state)
    }
    if (request instanceof Tuple && request[0] === RELEASE_CHILD && request.length === 2) {
      const released = this.#release(request[1] as Term, state)
      if (released === undefined) return reply(null, state)
      // Many leave at the same time, each with its own patience.
      void released.then((child) => this.reply(from, child as unknown as Encodable))
      return noreply(state)
    }
    if (request instanceof Tuple && request[0] === TAKE_CHILD && request[1] instanceof LocalSpec) {
      return reply(await this.startChild(request[1] as unknown as Term, state), state)
    }
    if (request instanceof Tuple && request[0] === START_CHILD && request.length === 2) {
      const passed = this.#passOn(request[1] as Term, state as ChildSupervisorState)
      // Waiting here would keep everybody else from starting a child meanwhile.
      if (passed !== undefined) {
        void passed.then((answer) => this.reply(from, answer))
        return noreply(state)
      }
    }
    return super.handleCall(request, from, state)
  }

  override async handleInfo(message: Term, state: DynamicSupervisorState) {
    const child =
      message instanceof Tuple && message[1] instanceof Pid ? state.children.get(message[1]) : undefined
    if (child !== undefined && message instanceof Tuple && (message[0] === EXIT || message[0] === RESTART)) {
      if ((state as ChildSupervisorState).isTaken(child.spec)) {
        if (
          message[0] === EXIT &&
          !child.isRestarting &&
          shouldRestart(child.spec.restart, isOrderlyExit(message[2] as Term))
        ) {
          // Whoever has the name may be its second owner, which is ended just now: then nobody would be left.
          state.children.setRestarting(child.pid, child.spec)
          this.self.clock.after(SECOND_OWNER_MS, () => this.self.send(this.pid, tuple(RESTART, child.pid)))
          return noreply(state)
        }
        this.drop(child.pid, child.spec, (message[2] ?? SHUTDOWN) as Term, state)
        return noreply(state)
      }
    }
    return super.handleInfo(message, state)
  }

  override formatStatus(state: DynamicSupervisorState): Term {
    const { children, isPrivate, name } = state as ChildSupervisorState
    const running = [...children].filter((child) => !child.isRestarting)
    return dynamicSupervisorStruct(name, state, running, isPrivate)
  }

  #passOn(specification: Term, state: ChildSupervisorState): Promise<Term> | undefined {
    try {
      return state.passOn(parseChildSpec(specification, 0))
    } catch (error) {
      // The base class says what is wrong with it.
      if (error instanceof SupervisorError) return undefined
      throw error
    }
  }

  #release(pid: Term, state: DynamicSupervisorState): Promise<Released> | undefined {
    const child = pid instanceof Pid ? state.children.get(pid) : undefined
    if (child === undefined) return undefined
    state.children.delete(child.pid)
    this.publish('terminated', child.pid, SHUTDOWN)
    return child.isRestarting ? Promise.resolve(new Released(undefined)) : this.#part(child.pid, child.spec)
  }

  /** The child has the time of its `shutdown` for what it leaves, and as much for its end. */
  async #part(pid: Pid, spec: ChildSpec): Promise<Released> {
    const { shutdown } = spec
    let handoff: Handoff
    if (shutdown !== 'brutal_kill') {
      try {
        const answer = await this.self.request(SYSTEM, pid, HANDOFF, { timeout: shutdown })
        if (answer instanceof Tuple && answer[0] === STATE) handoff = { state: answer[1] }
        else if (answer instanceof Tuple) this.#reportHandoff(pid, spec, answer as Term)
      } catch (error) {
        this.#reportHandoff(pid, spec, error as Term)
      }
    }
    await shutDownChild(this.self, pid, spec)
    return new Released(handoff)
  }

  #reportHandoff(pid: Pid, spec: ChildSpec, why: Term): void {
    const fields = { child: String(pid), module: String(spec.start.module), why: brief(why) }
    this.self.logger.error(fields, 'a child that moves to another node leaves no state: its handoff failed')
  }

  async #endChild(pid: Term, reason: Term, state: DynamicSupervisorState): Promise<void> {
    const child = pid instanceof Pid ? state.children.get(pid) : undefined
    if (child === undefined) return
    state.children.delete(child.pid)
    if (!child.isRestarting) await shutDownChild(this.self, child.pid, child.spec, reason)
    this.drop(child.pid, child.spec, reason, state)
  }
}

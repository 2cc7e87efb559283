/**
 * The supervisor of the children on this node, `n.DynamicSupervisor`: a dynamic supervisor that passes on what belongs
 * elsewhere, and lets go of a child whose name another node has taken.
 */
import { type Atom, atom, Pid, type Term, Tuple, tuple } from '../etf/index.ts'
import { type From, noreply, reply } from '../runtime/index.ts'
import { shutDownChild } from './child-shutdown.ts'
import { type ChildSpec, parseChildSpec } from './child-spec.ts'
import {
  DynamicSupervisorServer,
  type DynamicSupervisorSettings,
  type DynamicSupervisorState,
} from './dynamic-supervisor-server.ts'
import { SupervisorError } from './errors.ts'
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

type ChildSupervisorState = DynamicSupervisorState & ChildSupervisorSettings

const START_CHILD = atom('start_child')
const END_CHILD = atom('$end_child')
const EXIT = atom('EXIT')
const OK = atom('ok')
const RESTART = atom('$gen_restart')
const SHUTDOWN = atom('shutdown')

/** A request: ends a child for good, with this exit reason. Of a child that is not there, nothing is said. */
export function endChildRequest(pid: Pid, reason: Term): Term {
  return tuple(END_CHILD, pid, reason) as Term
}

export class ChildSupervisor extends DynamicSupervisorServer {
  override async handleCall(request: Term, from: From, state: DynamicSupervisorState) {
    if (request instanceof Tuple && request[0] === END_CHILD && request.length === 3) {
      await this.#endChild(request[1] as Term, request[2] as Term, state)
      return reply(OK, state)
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
      return state.passOn(parseChildSpec(specification))
    } catch (error) {
      // The base class says what is wrong with it.
      if (error instanceof SupervisorError) return undefined
      throw error
    }
  }

  async #endChild(pid: Term, reason: Term, state: DynamicSupervisorState): Promise<void> {
    const child = pid instanceof Pid ? state.children.get(pid) : undefined
    if (child === undefined) return
    state.children.delete(child.pid)
    if (!child.isRestarting) await shutDownChild(this.self, child.pid, child.spec, reason)
    this.drop(child.pid, child.spec, reason, state)
  }
}

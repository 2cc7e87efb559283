/**
 * The supervisors of other nodes, by rpc, and what their answers mean (design.md, section 5). A node that runs no such
 * supervisor, or not the module, is passed over; any other answer is the answer.
 */
import { type Atom, alias, atom, type Encodable, Pid, type Term, Tuple, tuple } from '../etf/index.ts'
import { CallError, type CallOptions, type Destination } from '../runtime/index.ts'
import { type ChildSpec, childSpecToMap } from './child-spec.ts'
import type { RemoteCalls } from './host.ts'
import type { SupervisorNames } from './names.ts'
import {
  encodeHandOver,
  encodeKeeps,
  encodeStartChild,
  type Handoff,
  type KeepsQuestion,
} from './peer-messages.ts'

/** What came back for a start. */
export type StartAnswer =
  /** `{:ok, pid}`, `{:error, reason}` or `:ignore`, as `DynamicSupervisor.start_child/2` returns it. */
  | { readonly type: 'answer'; readonly answer: Term }
  /** The node cannot run it: ask the next one. */
  | { readonly type: 'cannot'; readonly why: Term }

const DYNAMIC_SUPERVISOR = alias('DynamicSupervisor')
const PROCESS = alias('Process')
const ERROR = atom('error')
const EXIT = atom('EXIT')
const NODEDOWN = atom('nodedown')
const PG = atom('pg')
const NODE_FOR = atom('node_for')
const NOPROC = atom('noproc')
const UNDEF = atom('undef')

const ALIVE_TIMEOUT_MS = 2_000
const UNTIL_DONE = { timeout: 'infinity' } as const

/** As `GenServer.call/3`. */
type Call = (to: Destination, request: Encodable, options: CallOptions) => Promise<Term>

export class RemoteSupervisors {
  readonly #rpc: RemoteCalls
  readonly #call: Call
  readonly #names: SupervisorNames
  /** The registered name of the supervisors. */
  readonly #name: Atom

  constructor(rpc: RemoteCalls, call: Call, names: SupervisorNames) {
    this.#rpc = rpc
    this.#call = call
    this.#names = names
    this.#name = names.dynamicSupervisor
  }

  /** Starts a child on a node, as somebody who chose it. @throws EncodeError when its options are no terms. */
  start(node: Atom, spec: ChildSpec): Promise<StartAnswer> {
    const args = [this.#name, childSpecToMap(spec)]
    return this.#read(
      spec.start.module,
      this.#rpc.blockCall(node, DYNAMIC_SUPERVISOR, 'start_child', args, UNTIL_DONE),
    )
  }

  /** Asks a node that declared itself; `hops` is how often the start was passed on with this. */
  passOnToPeer(node: Atom, spec: ChildSpec, hops: number): Promise<StartAnswer> {
    return this.#askPeer(node, spec, encodeStartChild(spec, hops))
  }

  /** Has a node that declared itself go on with a child that has ended here. */
  handOver(node: Atom, spec: ChildSpec, handoff: Handoff): Promise<StartAnswer> {
    return this.#askPeer(node, spec, encodeHandOver(spec, handoff))
  }

  /** What the ring of another node says about a key; undefined when it cannot be asked. */
  async nodeFor(node: Atom, key: Term): Promise<Term | undefined> {
    try {
      return await this.#call([this.#names.registry, node], tuple(NODE_FOR, key), {
        timeout: ALIVE_TIMEOUT_MS,
      })
    } catch {
      return undefined
    }
  }

  /** Whom a node takes for the members of a child's group; nobody when it does not say. */
  async membersAt(node: Atom, name: Term, timeout = ALIVE_TIMEOUT_MS): Promise<Pid[]> {
    try {
      const members = await this.#rpc.call(node, PG, 'get_members', [this.#names.scope, name], { timeout })
      return Array.isArray(members) ? members.filter((member) => member instanceof Pid) : []
    } catch {
      return []
    }
  }

  /** Whether a node still counts this process among the members of a child's group; false also when it does not say. */
  async isMemberAt(node: Atom, name: Term, pid: Pid, timeout: number): Promise<boolean> {
    return (await this.membersAt(node, name, timeout)).some((member) => member.equals(pid))
  }

  /** Hands on a request that came to this node. The caller waits in a `block_call` already, so this is none. */
  passOn(node: Atom, spec: ChildSpec): Promise<StartAnswer> {
    const args = [this.#name, childSpecToMap(spec)]
    return this.#read(
      spec.start.module,
      this.#rpc.call(node, DYNAMIC_SUPERVISOR, 'start_child', args, UNTIL_DONE),
    )
  }

  /** `:ok` or `{:error, :not_found}`. @throws RpcError */
  terminate(pid: Pid): Promise<Term> {
    return this.#rpc.blockCall(pid.node, DYNAMIC_SUPERVISOR, 'terminate_child', [this.#name, pid], UNTIL_DONE)
  }

  /** Whether the node of an owner, which declared itself, lets it stay; false also when it does not say. */
  async isKept(question: KeepsQuestion): Promise<boolean> {
    try {
      const to: Destination = [this.#names.registry, question.kept.node]
      return (await this.#call(to, encodeKeeps(question), { timeout: ALIVE_TIMEOUT_MS })) === true
    } catch {
      return false
    }
  }

  /** False also when its node does not say. */
  async isAlive(pid: Pid): Promise<boolean> {
    try {
      return (
        (await this.#rpc.call(pid.node, PROCESS, 'alive?', [pid], { timeout: ALIVE_TIMEOUT_MS })) === true
      )
    } catch {
      return false
    }
  }

  async #askPeer(node: Atom, { start }: ChildSpec, request: Term): Promise<StartAnswer> {
    try {
      return readAnswer(await this.#call([this.#names.registry, node], request, UNTIL_DONE), start.module)
    } catch (error) {
      if (!(error instanceof CallError)) throw error
      const { code, reason } = error
      if (code === 'noproc' || code === 'nodedown') return { type: 'cannot', why: reason }
      return { type: 'answer', answer: tuple(ERROR, reason) as Term }
    }
  }

  async #read(module: Atom, pending: Promise<Term>): Promise<StartAnswer> {
    try {
      return readAnswer(await pending, module)
    } catch (error) {
      const reason = failureReason(error)
      if (isMissing(reason)) return { type: 'cannot', why: reason }
      return { type: 'answer', answer: tuple(ERROR, reason) as Term }
    }
  }
}

/** An answer, unless it says that the module does not exist there. */
export function readAnswer(answer: Term, module: Atom): StartAnswer {
  const reason = answer instanceof Tuple && answer[0] === ERROR ? (answer[1] as Term) : undefined
  return reason !== undefined && isUndefinedModule(reason, module)
    ? { type: 'cannot', why: reason }
    : { type: 'answer', answer }
}

/** The reason in an RpcError, which is known by its shape: the class belongs to a layer that is none of ours. */
function failureReason(error: unknown): Term {
  if (error instanceof Error && 'reason' in error) return error.reason as Term
  throw error
}

/** No connection, no rpc, no such function, or no such supervisor there. */
function isMissing(reason: Term): boolean {
  if (reason === NODEDOWN || reason === NOPROC) return true
  if (!(reason instanceof Tuple) || reason[0] !== EXIT) return false
  const why = reason[1]
  return (
    why instanceof Tuple &&
    (why[0] === NOPROC || (why[0] === UNDEF && calls(why[1] as Term, DYNAMIC_SUPERVISOR)))
  )
}

/** `{:undef, Mod}` of our nodes, `{:undef, [{Mod, _, _, _} | _]}` of Elixir's. */
function isUndefinedModule(reason: Term, module: Atom): boolean {
  if (!(reason instanceof Tuple) || reason[0] !== UNDEF) return false
  return reason[1] === module || calls(reason[1] as Term, module)
}

function calls(stack: Term, module: Atom): boolean {
  const first = Array.isArray(stack) ? stack[0] : undefined
  return first instanceof Tuple && first[0] === module
}

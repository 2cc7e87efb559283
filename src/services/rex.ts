/**
 * The registered process `rex`: rpc as a server (protocol.md 9.4). Calls run side by side, `block_call` too: a
 * JavaScript function that waits holds nobody else up, so there is nothing to queue behind.
 *
 *   gen call {call | block_call, M, F, Args, GL}      -> Value | {badrpc, {'EXIT', Reason}}
 *   cast     {cast, M, F, Args, GL}
 *   Pid, {call, M, F, Args, GL}     (C-node style)    -> {rex, Value} to Pid
 *   {Pid, features_request}                           -> {features_reply, Node, [erpc]} to Pid
 *   {Pid, {sbcast, Name, Msg}}                        -> {rex, Node, Node} | {rex, Node, {nonexisting_name, Name}}
 */
import { Atom, atom, type Encodable, Pid, type Term, Tuple, tuple } from '../etf/index.ts'
import { exitReason, type From, GenServer, noreply, type Runtime, reply } from '../runtime/index.ts'
import { applyExposed, type Outcome } from './apply.ts'
import type { FunctionTable } from './exposed.ts'

export interface RexState {
  readonly runtime: Runtime
  readonly node: Atom
  readonly functions: FunctionTable
}

const CALL = atom('call')
const BLOCK_CALL = atom('block_call')
const CAST = atom('cast')
const SBCAST = atom('sbcast')
const REX = atom('rex')
const EXIT = atom('EXIT')
const BADRPC = atom('badrpc')
const ERPC = atom('erpc')
const FEATURES_REQUEST = atom('features_request')
const FEATURES_REPLY = atom('features_reply')
const NONEXISTING_NAME = atom('nonexisting_name')
const UNKNOWN_REQUEST = tuple(BADRPC, atom('badarg'))

interface Job {
  readonly module: Atom
  readonly name: Atom
  readonly args: Term
}

export class Rex extends GenServer<RexState> {
  override init(state: RexState) {
    return state
  }

  override handleCall(request: Term, from: From, state: RexState) {
    const job = readJob(request, CALL) ?? readJob(request, BLOCK_CALL)
    if (job === undefined) return reply(UNKNOWN_REQUEST, state)
    void this.#run(state, job, (answer) => this.reply(from, answer))
    return noreply(state)
  }

  override handleCast(request: Term, state: RexState) {
    const job = readJob(request, CAST)
    if (job !== undefined) void applyExposed(state.functions, job.module, job.name, job.args)
    return noreply(state)
  }

  override handleInfo(message: Term, state: RexState) {
    if (message instanceof Tuple && message.length === 2 && message[0] instanceof Pid) {
      this.#handleRequest(message[0], message[1] as Term, state)
    }
    return noreply(state)
  }

  #handleRequest(client: Pid, request: Term, state: RexState): void {
    const { runtime, node } = state
    if (request === FEATURES_REQUEST) {
      runtime.send(client, tuple(FEATURES_REPLY, node, [ERPC]))
      return
    }
    if (request instanceof Tuple && request.length === 3 && request[0] === SBCAST) {
      const name = request[1] as Term
      const known = name instanceof Atom && runtime.whereis(name) !== undefined
      if (known) runtime.send(name, request[2] as Term)
      runtime.send(client, tuple(REX, node, known ? node : tuple(NONEXISTING_NAME, name)))
      return
    }
    const job = readJob(request, CALL)
    if (job !== undefined) {
      void this.#run(state, job, (answer) => runtime.send(client, tuple(REX, answer)))
    }
  }

  /** The answer may turn out to have no term; the caller hears of that instead. */
  async #run(state: RexState, job: Job, answer: (value: Encodable) => void): Promise<void> {
    const value = rpcValue(await applyExposed(state.functions, job.module, job.name, job.args))
    try {
      answer(value)
    } catch (error) {
      answer(tuple(BADRPC, tuple(EXIT, exitReason(error))))
    }
  }
}

/** `{Kind, M, F, Args, GroupLeader}` */
function readJob(request: Term, kind: Atom): Job | undefined {
  if (!(request instanceof Tuple) || request.length !== 5 || request[0] !== kind) return undefined
  const [, module, name, args] = request as Tuple<[Atom, Term, Term, Term, Term]>
  return module instanceof Atom && name instanceof Atom ? { module, name, args } : undefined
}

/** As `rpc:call/4` of OTP shows an outcome. */
function rpcValue(outcome: Outcome): Encodable {
  switch (outcome.kind) {
    case 'return':
      return outcome.value
    case 'throw':
      return outcome.value
    case 'exit':
      return tuple(BADRPC, tuple(EXIT, outcome.reason))
    case 'error':
      return tuple(BADRPC, tuple(EXIT, tuple(outcome.reason, outcome.stack)))
  }
}

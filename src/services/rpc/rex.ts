/**
 * The registered process `rex`: rpc as a server (protocol.md 9.4). Each call and cast runs in a process of its own;
 * `block_call` runs in this one, which does nothing else until it is done, as in OTP.
 *
 *   gen call {call | block_call, M, F, Args, GL}      -> Value | {badrpc, {'EXIT', Reason}}
 *   cast     {cast, M, F, Args, GL}
 *   Pid, {call, M, F, Args, GL}     (C-node style)    -> {rex, Value} to Pid; with `send_stdout_to_caller` as GL what is
 *                                                        printed goes there before it, as {rex_stdout, Binary}
 *   {Pid, features_request}                           -> {features_reply, Node, [erpc]} to Pid
 *   {Pid, {sbcast, Name, Msg}}                        -> {rex, Node, Node} | {rex, Node, {nonexisting_name, Name}}
 *   {Pid, {send, Name, Msg}}                          -> {Pid, Msg} to Name, or {rex, Node, {nonexisting_name, Name}}
 */
import { Atom, atom, type Encodable, Pid, type Term, Tuple, tuple } from '../../etf/index.ts'
import {
  exitReason,
  type From,
  GenServer,
  noreply,
  type Process,
  type Runtime,
  reply,
} from '../../runtime/index.ts'
import { IoServer } from '../io/io-server.ts'
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
const SEND = atom('send')
const REX = atom('rex')
const REX_STDOUT = atom('rex_stdout')
const SEND_STDOUT_TO_CALLER = atom('send_stdout_to_caller')
const EXIT = atom('EXIT')
const BADRPC = atom('badrpc')
const ERPC = atom('erpc')
const NORMAL = atom('normal')
const SYSTEM_LIMIT = atom('system_limit')
const FEATURES_REQUEST = atom('features_request')
const FEATURES_REPLY = atom('features_reply')
const NONEXISTING_NAME = atom('nonexisting_name')
const UNKNOWN_REQUEST = tuple(BADRPC, atom('badarg'))

type Answer = (value: Encodable) => void

interface Job {
  readonly module: Atom
  readonly name: Atom
  readonly args: Term
  /** A pid, or an atom such as `user` for "not the caller". */
  readonly groupLeader: Term
}

export class Rex extends GenServer<RexState> {
  override init(state: RexState) {
    return state
  }

  override handleCall(request: Term, from: From, state: RexState) {
    const answer: Answer = (value) => this.reply(from, value)
    const call = readJob(request, CALL)
    if (call !== undefined) {
      this.#spawn(call, state, answer, from[0])
      return noreply(state)
    }
    const blocking = readJob(request, BLOCK_CALL)
    return blocking === undefined
      ? reply(UNKNOWN_REQUEST, state)
      : this.#block(blocking, state, answer, from[0])
  }

  override handleCast(request: Term, state: RexState) {
    const job = readJob(request, CAST)
    if (job !== undefined) this.#spawn(job, state, () => {}, undefined)
    return noreply(state)
  }

  override handleInfo(message: Term, state: RexState) {
    if (message instanceof Tuple && message.length === 2 && message[0] instanceof Pid) {
      this.#handleRequest(message[0], message[1] as Term, state)
    }
    return noreply(state)
  }

  #handleRequest(client: Pid, request: Term, state: RexState): void {
    if (request === FEATURES_REQUEST) {
      this.self.send(client, tuple(FEATURES_REPLY, state.node, [ERPC]))
    } else if (request instanceof Tuple && request.length === 3 && request[0] === SBCAST) {
      const [, name, message] = request as Tuple<[Atom, Term, Term]>
      const answer = this.#deliver(name, message, state) ? state.node : tuple(NONEXISTING_NAME, name)
      this.self.send(client, tuple(REX, state.node, answer))
    } else if (request instanceof Tuple && request.length === 3 && request[0] === SEND) {
      const [, name, message] = request as Tuple<[Atom, Term, Term]>
      if (!this.#deliver(name, tuple(client, message), state)) {
        this.self.send(client, tuple(REX, state.node, tuple(NONEXISTING_NAME, name)))
      }
    } else {
      const job = readJob(request, CALL)
      if (job === undefined) return
      const answer: Answer = (value) => this.self.send(client, tuple(REX, value))
      // From the same process as the answer, so that it comes before it.
      const print = (text: string): void => this.self.send(client, tuple(REX_STDOUT, text))
      if (job.groupLeader === SEND_STDOUT_TO_CALLER) this.#spawn(job, state, answer, client, print)
      else this.#spawn(job, state, answer, client)
    }
  }

  #deliver(name: Term, message: Encodable, { runtime }: RexState): boolean {
    if (!(name instanceof Atom) || runtime.whereis(name) === undefined) return false
    this.self.send(name, message)
    return true
  }

  /** Runs the job in this process: the next message waits for it. */
  async #block(job: Job, state: RexState, answer: Answer, caller: Pid) {
    const own = this.self.groupLeader
    if (job.groupLeader instanceof Pid) this.self.groupLeader = job.groupLeader
    try {
      await run(this.self, job, state, answer, caller)
    } finally {
      this.self.groupLeader = own
    }
    return noreply(state)
  }

  /**
   * Runs the job in a process of its own; one that is killed has an answer too.
   *
   * @param print takes what the job prints, all of it before the answer
   */
  #spawn(
    job: Job,
    state: RexState,
    answer: Answer,
    caller: Pid | undefined,
    print?: (text: string) => void,
  ): void {
    let pid: Pid
    try {
      pid = this.self.spawn(async (self) => {
        if (job.groupLeader instanceof Pid) self.groupLeader = job.groupLeader
        if (print === undefined) await run(self, job, state, answer, caller)
        else await runPrinting(self, job, state, answer, caller, print)
      })
    } catch {
      answer(tuple(BADRPC, tuple(EXIT, SYSTEM_LIMIT)))
      return
    }
    this.self.whenDown(pid).then(
      (reason) => {
        if (reason !== NORMAL) give(answer, tuple(BADRPC, tuple(EXIT, reason)))
      },
      () => {},
    )
  }
}

async function run(
  self: Process,
  job: Job,
  { functions }: RexState,
  answer: Answer,
  caller: Pid | undefined,
): Promise<void> {
  const value = rpcValue(await applyExposed(functions, self, job.module, job.name, job.args, caller))
  if (self.isAlive) give(answer, value)
}

/** As `run`, with a group leader of its own that is read to its end before the answer goes. */
async function runPrinting(
  self: Process,
  job: Job,
  { functions }: RexState,
  answer: Answer,
  caller: Pid | undefined,
  write: (text: string) => void,
): Promise<void> {
  const leader = await self.startLink(IoServer, { write })
  self.groupLeader = leader
  const value = rpcValue(await applyExposed(functions, self, job.module, job.name, job.args, caller))
  if (!self.isAlive) return
  await self.stopServer(leader)
  give(answer, value)
}

/** The answer may turn out to have no term; the caller hears of that instead. */
function give(answer: Answer, value: Encodable): void {
  try {
    answer(value)
  } catch (error) {
    answer(tuple(BADRPC, tuple(EXIT, exitReason(error))))
  }
}

/** `{Kind, M, F, Args, GroupLeader}` */
function readJob(request: Term, kind: Atom): Job | undefined {
  if (!(request instanceof Tuple) || request.length !== 5 || request[0] !== kind) return undefined
  const [, module, name, args, groupLeader] = request as Tuple<[Atom, Term, Term, Term, Term]>
  return module instanceof Atom && name instanceof Atom ? { module, name, args, groupLeader } : undefined
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

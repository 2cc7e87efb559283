/**
 * One call of a function on a node, as `erpc` makes it (protocol.md 9.5): a spawn request for `erpc:execute_call/4`, whose
 * monitor brings the outcome. Every OTP release that can connect serves it. A node that answers `notsup` is asked by `rex`
 * instead. On this node the function runs in a process of its own as well.
 */
import type { Timer } from '../../core/index.ts'
import { type Atom, atom, type Encodable, inspect, type Term, Tuple, tuple } from '../../etf/index.ts'
import { CallError, type CallOptions, ProcessError, type Runtime } from '../../runtime/index.ts'
import { applyExposed, type Outcome } from './apply.ts'
import { decodeResult } from './erpc-result.ts'
import { exitError, fromCallError, outcomeError, RpcError, refusedError, timeoutError } from './errors.ts'
import type { FunctionTable } from './exposed.ts'

export interface RpcParts {
  readonly runtime: Runtime
  readonly self: Atom
  readonly functions: FunctionTable
}

export interface RemoteCall {
  readonly node: Atom
  readonly module: Atom
  readonly fun: Atom
  readonly args: readonly Encodable[]
}

const ERPC = atom('erpc')
const EXECUTE_CALL = atom('execute_call')
const NOCONNECTION = atom('noconnection')
const NOTSUP = atom('notsup')
const NORMAL = atom('normal')
const REX = atom('rex')
const CALL = atom('call')
const USER = atom('user')
const BADRPC = atom('badrpc')
const EXIT = atom('EXIT')

export function describeCall({ node, module, fun, args }: RemoteCall): string {
  return `${inspect(module)}.${fun.name}/${args.length} on ${node.name}`
}

/** Resolves with the value. @throws RpcError; EncodeError; the signal's reason */
export function request(
  parts: RpcParts,
  call: RemoteCall,
  options: CallOptions,
  timeoutMs: number | undefined,
) {
  return new Promise<Term>((resolve, reject) => {
    const { signal } = options
    if (signal?.aborted) {
      reject(signal.reason)
      return
    }
    let timer: Timer | undefined
    let giveUp = (): void => {}
    let isSettled = false
    const settle = (): boolean => {
      if (isSettled) return false
      isSettled = true
      timer?.cancel()
      signal?.removeEventListener('abort', onAbort)
      return true
    }
    const onAbort = (): void => {
      if (!settle()) return
      giveUp()
      reject(signal?.reason)
    }
    const fail = (error: unknown): void => {
      if (settle()) reject(error)
    }
    const finish = (outcome: Outcome): void => {
      if (!settle()) return
      if (outcome.kind === 'return') resolve(outcome.value as Term)
      else reject(outcomeError(outcome, describeCall(call)))
    }
    if (timeoutMs !== undefined) {
      timer = parts.runtime.clock.after(timeoutMs, () => {
        if (!settle()) return
        giveUp()
        reject(timeoutError(describeCall(call)))
      })
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      giveUp =
        call.node === parts.self
          ? runHere(parts, call, finish, fail)
          : runThere(parts, call, options, finish, fail)
    } catch (error) {
      fail(error)
    }
  })
}

function runHere(
  { runtime, functions }: RpcParts,
  call: RemoteCall,
  finish: (outcome: Outcome) => void,
  fail: (error: unknown) => void,
): () => void {
  const pid = runtime.spawn(async (self) => {
    finish(await applyExposed(functions, self, call.module, call.fun, [...call.args] as Term[]))
  })
  const gone = new AbortController()
  runtime.client.whenDown(pid, { signal: gone.signal }).then((reason) => {
    if (reason !== NORMAL) fail(exitError(reason, describeCall(call)))
  }, fail)
  return () => gone.abort()
}

function runThere(
  { runtime }: RpcParts,
  call: RemoteCall,
  options: CallOptions,
  finish: (outcome: Outcome) => void,
  fail: (error: unknown) => void,
): () => void {
  const result = runtime.makeRef()
  const { node, module, fun, args } = call
  const what = { node, module: ERPC, function: EXECUTE_CALL, args: [result, module, fun, args] }
  let askingRex: AbortController | undefined
  const spawn = runtime.requestSpawn(what, {
    onRefused: (reason) => {
      if (reason !== NOTSUP) {
        fail(refusedError(reason, describeCall(call)))
        return
      }
      askingRex = new AbortController()
      const { signal } = askingRex
      askRex(runtime, CALL, call, { ...options, signal }).then(
        (value) => finish({ kind: 'return', value }),
        fail,
      )
    },
    onDown: (reason) => {
      const outcome = decodeResult(result, reason)
      if (outcome !== undefined) finish(outcome)
      else if (reason === NOCONNECTION) fail(refusedError(reason, describeCall(call)))
      else fail(exitError(reason, describeCall(call)))
    },
    onAbandoned: () =>
      fail(new ProcessError('ERR_RUNTIME_EXITED', 'this node was stopped during a remote call')),
  })
  return () => {
    spawn.abandon()
    askingRex?.abort()
  }
}

/** A call through the server `rex`, which every release has; `block_call` exists nowhere else. @throws RpcError */
export async function askRex(
  runtime: Runtime,
  kind: Atom,
  call: RemoteCall,
  options: CallOptions | undefined,
): Promise<Term> {
  const { node, module, fun, args } = call
  let answer: Term
  try {
    const destination = node === runtime.node ? REX : ([REX, node] as const)
    answer = await runtime.call(destination, tuple(kind, module, fun, args, USER), options)
  } catch (error) {
    if (error instanceof CallError) throw fromCallError(error, describeCall(call))
    throw error
  }
  if (answer instanceof Tuple && answer.length === 2 && answer[0] === BADRPC) {
    const reason = answer[1] as Term
    const failed = reason instanceof Tuple && reason[0] === EXIT
    throw new RpcError(failed ? 'ERR_RPC_EXIT' : 'ERR_RPC_FAILED', reason, describeCall(call))
  }
  return answer
}

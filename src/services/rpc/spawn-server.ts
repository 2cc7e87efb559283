/**
 * Spawn requests of other nodes, by which erpc, and rpc of OTP 23 and newer, run functions here (protocol.md 3.9, 9.5).
 *
 * The outcome of `erpc:execute_call/4` travels as the exit reason of the process that ran it: `{Res, return, V}`,
 * `{Res, throw, T}`, `{Res, exit, R}`, `{Res, error, E, Stack}`. Any other exposed function may be spawned as well, and
 * its process then exits as a process with that code would.
 */
import { atom, type Encodable, type Term, tuple } from '../../etf/index.ts'
import { ExitError, type Process, type Runtime, type SpawnRequest } from '../../runtime/index.ts'
import { applyExposed, type Outcome } from './apply.ts'
import { encodeResult } from './erpc-result.ts'
import type { FunctionTable } from './exposed.ts'

const ERPC = atom('erpc')
const EXECUTE_CALL = atom('execute_call')
const EXECUTE_CAST = atom('execute_cast')
const NORMAL = atom('normal')
const NOCATCH = atom('nocatch')

/** Serves one request: answers it, then runs the function in a process of its own. */
export function serveSpawn(runtime: Runtime, functions: FunctionTable, request: SpawnRequest): void {
  runtime.serveSpawn(request, async (self) => {
    throw new ExitError(await exitOf(functions, self, request))
  })
}

/** Runs the function and gives the reason that its process exits with. */
async function exitOf(functions: FunctionTable, self: Process, request: SpawnRequest): Promise<Encodable> {
  const { module, function: name, args, parent } = request
  if (module !== ERPC || !Array.isArray(args)) {
    return plainExit(await applyExposed(functions, self, module, name, args, parent))
  }
  if (name === EXECUTE_CALL && args.length === 4) {
    const [result, calledModule, calledName, calledArgs] = args as [Term, Term, Term, Term]
    return encodeResult(
      result,
      await applyExposed(functions, self, calledModule, calledName, calledArgs, parent),
    )
  }
  if (name === EXECUTE_CAST && args.length === 3) {
    const [calledModule, calledName, calledArgs] = args as [Term, Term, Term]
    return plainExit(await applyExposed(functions, self, calledModule, calledName, calledArgs, parent))
  }
  return plainExit(await applyExposed(functions, self, module, name, args, parent))
}

function plainExit(outcome: Outcome): Encodable {
  switch (outcome.kind) {
    case 'return':
      return NORMAL
    case 'throw':
      return tuple(tuple(NOCATCH, outcome.value), [])
    case 'exit':
      return outcome.reason
    case 'error':
      return tuple(outcome.reason, outcome.stack)
  }
}

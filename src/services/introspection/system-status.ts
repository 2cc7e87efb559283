/** `sys:get_status/1,2` of a process of this node, for those who cannot send system messages themselves. */
import { Atom, atom, Pid, type Term, tuple } from '../../etf/index.ts'
import { CallError, ExitError, type Runtime } from '../../runtime/index.ts'
import { badarg } from './terms.ts'

const SYSTEM = atom('system')
const GET_STATUS = atom('get_status')
const INFINITY = atom('infinity')
const SYS = atom('sys')
const DEFAULT_TIMEOUT_MS = 5000

/** @throws ExitError as the caller of `sys:get_status/2` exits, `{timeout, _}` for a process that is no server */
export async function systemStatus(runtime: Runtime, server: Term | undefined, wait?: Term): Promise<Term> {
  const isOurs = server instanceof Pid ? server.node === runtime.node : server instanceof Atom
  if (!isOurs) return badarg()
  const timeout = wait === INFINITY ? 'infinity' : typeof wait === 'number' ? wait : DEFAULT_TIMEOUT_MS
  try {
    return await runtime.client.request(SYSTEM, server as Pid | Atom, GET_STATUS, { timeout })
  } catch (error) {
    if (!(error instanceof CallError)) throw error
    throw new ExitError(tuple(error.reason, tuple(SYS, GET_STATUS, [server as Term])))
  }
}

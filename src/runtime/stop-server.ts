/** The orderly end of a server, on any node: what `gen_server:stop/3` does. */
import type { Clock } from '../core/index.ts'
import { type Atom, atom, type Encodable, type Term, termEquals, tuple } from '../etf/index.ts'
import { SYSTEM, TIMEOUT } from './atoms.ts'
import { type CallOptions, timeoutMs } from './calls.ts'
import { describeDestination, type Watchable } from './destination.ts'
import { CallError } from './errors.ts'

const TERMINATE = atom('terminate')

/** The process that stops it. */
interface Stopper {
  readonly clock: Clock
  whenDown(target: Watchable, options: { readonly signal: AbortSignal }): Promise<Term>
  request(label: Atom, to: Watchable, request: Encodable, options: CallOptions): Promise<Term>
}

function ignoreRejection(): void {}

/** The server answers before it ends, so its end is awaited under a monitor of its own. */
export async function stopServer(
  caller: Stopper,
  server: Watchable,
  reason: Term,
  options: CallOptions,
): Promise<void> {
  const request = tuple(TERMINATE, reason) as Term
  const timeout = timeoutMs(options.timeout, Number.POSITIVE_INFINITY)
  const failed = { destination: describeDestination(server), request, timeout }
  const abort = new AbortController()
  const giveUp = (): void => abort.abort(options.signal?.reason)
  options.signal?.addEventListener('abort', giveUp, { once: true })
  const tooLong = (): void => abort.abort(new CallError('timeout', TIMEOUT, failed))
  const timer = timeout === undefined ? undefined : caller.clock.after(timeout, tooLong)
  const down = caller.whenDown(server, { signal: abort.signal })
  down.catch(ignoreRejection)
  try {
    await caller.request(SYSTEM, server, request, { timeout: 'infinity', signal: abort.signal })
    const ended = await down
    if (!termEquals(ended, reason)) throw new CallError('exit', ended, failed)
  } finally {
    timer?.cancel()
    options.signal?.removeEventListener('abort', giveUp)
    // Takes the monitor back when the server goes on.
    abort.abort()
  }
}

/**
 * How a node without a name gets one, from the first peer that answers: `erl -sname undefined`. Protocol: section 2.6.
 */
import { describeError } from '../core/index.ts'
import { DFLAG_NAME_ME, type HandshakeResult, ourFlags } from '../dist/index.ts'
import { Attempt } from './attempt.ts'
import { NodeError } from './errors.ts'
import type { ResolvedNodeOptions } from './options.ts'

/**
 * Asks the nodes of `connect` one after the other.
 *
 * @returns the connection that the name hangs on; `self` in it is who we are.
 * @throws NodeError `ERR_NODE_NAMELESS` when none of them gives a name, with the last failure in `cause`.
 */
export async function askForName(options: ResolvedNodeOptions): Promise<HandshakeResult> {
  const { clock, connect, cookies, lengthPrefix, name, nodeNetwork, resolver, setupTime, signal } = options
  let failure: unknown
  for (const peerName of connect) {
    const attempt = new Attempt({
      peerName,
      self: { name: name.host, flags: ourFlags({ hidden: true }) | DFLAG_NAME_ME, creation: 0 },
      cookie: cookies.of(peerName),
      network: nodeNetwork,
      lengthPrefix,
      resolver,
      clock,
      setupTime,
      onAlive: () => false,
    })
    const onAbort = (): void => attempt.giveUp(signal?.reason)
    signal?.addEventListener('abort', onAbort)
    try {
      return await attempt.run()
    } catch (error) {
      signal?.throwIfAborted()
      failure = error
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }
  const asked =
    connect.length === 0 ? 'the option connect names no node to ask' : `asked ${connect.join(', ')}`
  const why = failure === undefined ? '' : `: ${describeError(failure)}`
  throw new NodeError('ERR_NODE_NAMELESS', `nobody gives this node a name, ${asked}${why}`, {
    cause: failure,
  })
}

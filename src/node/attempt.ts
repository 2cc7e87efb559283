/** One attempt to connect to a peer: find it, open a stream, shake hands; all of it within one deadline. */
import type { Clock } from '../core/index.ts'
import {
  DistError,
  type HandshakeResult,
  initiate,
  type LengthPrefix,
  type LocalNode,
} from '../dist/index.ts'
import { NetError, type Network, type Transport } from '../net/index.ts'
import { NodeError } from './errors.ts'
import { parseNodeName } from './node-name.ts'
import type { Resolver } from './resolver.ts'

export interface AttemptOptions {
  readonly peerName: string
  readonly self: LocalNode
  readonly cookie: string
  readonly network: Network
  readonly lengthPrefix: LengthPrefix
  readonly resolver: Resolver
  readonly clock: Clock
  /** For everything together, in ms. */
  readonly setupTime: number
  /** The peer holds a connection of ours: is that dead? */
  readonly onAlive: () => boolean
}

export class Attempt {
  readonly #options: AttemptOptions
  readonly #abort = new AbortController()

  constructor(options: AttemptOptions) {
    this.#options = options
  }

  /** Ends the attempt; `run` rejects with `reason`. Without effect when it has ended already. */
  giveUp(reason: Error): void {
    this.#abort.abort(reason)
  }

  /**
   * To be called once.
   *
   * @throws OptionError for what is no node name; NodeError, EpmdError, NetError or DistError; what `giveUp` was given.
   */
  async run(): Promise<HandshakeResult> {
    const { clock, cookie, lengthPrefix, onAlive, peerName, self, setupTime } = this.#options
    const { signal } = this.#abort
    const deadline = clock.now() + setupTime
    const overdue = clock.after(setupTime, () => this.giveUp(this.#unreachable()))
    try {
      const transport = await this.#open()
      // From here on the handshake keeps the deadline, because it knows what it waits for.
      overdue.cancel()
      const timeout = Math.max(0, deadline - clock.now())
      const options = { self, peerName, cookie, clock, timeout, signal, lengthPrefix, onAlive }
      return await initiate(transport, options)
    } catch (error) {
      // Each layer has its own error for being aborted; what counts is why.
      throw signal.aborted && isAbort(error) ? signal.reason : withoutHandshake(error)
    } finally {
      overdue.cancel()
    }
  }

  #unreachable(): NodeError {
    const { lengthPrefix, peerName, setupTime } = this.#options
    const hint = lengthPrefix === 2 ? '' : '; a node without TLS is silent when it is dialed with TLS'
    return new NodeError(
      'ERR_NODE_UNREACHABLE',
      `${peerName} did not answer within ${setupTime / 1000} s${hint}`,
    )
  }

  async #open(): Promise<Transport> {
    const { network, peerName, resolver } = this.#options
    const { signal } = this.#abort
    const name = parseNodeName(peerName)
    const { host, port } = await orAborted(resolver.resolve(name, { signal }), signal)
    return network.connect({ host, port, serverName: name.host, signal })
  }
}

function isAbort(error: unknown): boolean {
  return !(error instanceof DistError) || error.code === 'ERR_HANDSHAKE_ABORTED'
}

/** With TLS 1.3 a peer refuses us when we are at the handshake already; that is not what went wrong. */
function withoutHandshake(error: unknown): unknown {
  const cause = error instanceof DistError && error.code === 'ERR_HANDSHAKE_CLOSED' ? error.cause : undefined
  return cause instanceof NetError && cause.code.startsWith('ERR_NET_TLS_') ? cause : error
}

/** A resolver of the user's own may not care about the signal; nobody waits for it then. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

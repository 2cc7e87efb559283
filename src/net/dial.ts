/** From a socket that is connecting to a transport, or to the error that says why not. */
import type { Socket } from 'node:net'
import { NetError, toNetError } from './errors.ts'
import type { SharedRead } from './shared-read.ts'
import { SocketTransport } from './socket-transport.ts'
import type { ConnectOptions, Transport } from './transport.ts'

/**
 * A name may have IPv6 and IPv4 addresses, which Node tries in turn. Its own 250 ms for each fails on a distant peer
 * whose first address is right and whose second is not.
 */
export const FAMILY_ATTEMPT_MS = 2_000

/**
 * @param start begins to connect; not called when the signal is aborted already
 * @param ready the event after which the socket carries bytes: `connect`, or with TLS `secureConnect`
 * @param read how the socket reads, unless it does so by its `data` events
 */
export function dial(
  start: () => Socket,
  ready: 'connect' | 'secureConnect',
  { host, port, signal }: ConnectOptions,
  read?: SharedRead,
): Promise<Transport> {
  return new Promise((resolve, reject) => {
    const aborted = (): NetError => new NetError('ERR_NET_ABORTED', 'connect', { host, port }, signal?.reason)
    if (signal?.aborted) return reject(aborted())
    let socket: Socket
    try {
      socket = start()
    } catch (error) {
      return reject(toNetError(error, 'connect', { host, port }))
    }
    const settle = (): void => {
      signal?.removeEventListener('abort', onAbort)
      socket.off(ready, onReady)
      socket.off('error', onError)
    }
    const onReady = (): void => {
      settle()
      resolve(new SocketTransport(socket, read))
    }
    const onError = (error: Error): void => {
      settle()
      reject(toNetError(error, ready === 'connect' ? 'connect' : 'secure', { host, port }))
    }
    const onAbort = (): void => {
      settle()
      socket.on('error', ignoreAfterAbort)
      socket.destroy()
      reject(aborted())
    }
    socket.on(ready, onReady)
    socket.on('error', onError)
    signal?.addEventListener('abort', onAbort)
  })
}

/** The caller has its answer already; what the dying socket still says interests nobody. */
function ignoreAfterAbort(): void {}

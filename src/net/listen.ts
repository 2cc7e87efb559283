/** From a server of Node to a `Listener`. */
import type { Server } from 'node:net'
import type { Logger } from '../core/index.ts'
import { formatEndpoint } from './address.ts'
import { toNetError } from './errors.ts'
import type { Endpoint, Listener } from './transport.ts'

/** @param logger told when the operating system cannot hand over an accepted connection */
export function listenWith(server: Server, { host, port }: Endpoint, logger: Logger): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => reject(toNetError(error, 'listen', { host, port }))
    server.on('error', onError)
    server.listen({ host: host === '' ? undefined : host, port }, () => {
      server.off('error', onError)
      const listener = new ServerListener(server)
      server.on('error', (error) => {
        logger.warn(
          { error: toNetError(error, 'accept', listener) },
          `a connection to ${formatEndpoint(listener)} was not accepted`,
        )
      })
      resolve(listener)
    })
  })
}

class ServerListener implements Listener {
  readonly host: string
  readonly port: number
  readonly #server: Server
  #closing: Promise<void> | undefined

  constructor(server: Server) {
    const address = server.address()
    if (address === null || typeof address === 'string') {
      throw new Error('a TCP server has an address and a port')
    }
    this.host = address.address
    this.port = address.port
    this.#server = server
  }

  close(): Promise<void> {
    // Node's callback waits for every accepted connection to end; ours live on, so it is not waited for. The port
    // is free as soon as `close` returns.
    this.#closing ??= new Promise((resolve) => {
      this.#server.close()
      setImmediate(resolve)
    })
    return this.#closing
  }
}

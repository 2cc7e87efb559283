/** UDP with multicast or broadcast, for nodes that look for each other. */
import { createSocket } from 'node:dgram'
import { toNetError } from './errors.ts'

export interface DatagramOptions {
  /** Address to listen on. */
  readonly host: string
  readonly port: number
  /** A multicast group to join, and our interface to it; undefined for broadcast. */
  readonly group: { readonly address: string; readonly interface: string; readonly ttl: number } | undefined
  onMessage(bytes: Uint8Array): void
  /** The socket failed; it may go on. */
  onError(error: Error): void
}

export interface Datagrams {
  /** Nobody hears whether it arrives; what the system says goes to `onError`. */
  send(bytes: Uint8Array, host: string, port: number): void
  close(): Promise<void>
}

export type OpenDatagrams = (options: DatagramOptions) => Promise<Datagrams>

/** Several sockets of a machine may share a port. @throws NetError */
export const openDatagrams: OpenDatagrams = (options) => {
  const { host, port, group } = options
  const at = { host, port }
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: 'udp4', reuseAddr: true })
    const fail = (error: Error): void => {
      socket.close()
      reject(toNetError(error, 'listen', at))
    }
    socket.once('error', fail)
    socket.bind({ address: host, port, exclusive: true }, () => {
      try {
        socket.setBroadcast(true)
        if (group !== undefined) {
          socket.addMembership(group.address, group.interface)
          socket.setMulticastInterface(group.interface)
          socket.setMulticastTTL(group.ttl)
          socket.setMulticastLoopback(true)
        }
      } catch (error) {
        fail(error as Error)
        return
      }
      socket.off('error', fail)
      socket.on('error', options.onError)
      socket.on('message', options.onMessage)
      let closed: Promise<void> | undefined
      resolve({
        send: (bytes, toHost, toPort) => {
          if (closed !== undefined) return
          socket.send(bytes, toPort, toHost, (error) => {
            if (error !== null && closed === undefined) options.onError(error)
          })
        },
        close: () => {
          closed ??= new Promise((done) => socket.close(() => done()))
          return closed
        },
      })
    })
  })
}

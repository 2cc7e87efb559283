/**
 * The file descriptor below a socket, and writing to it past Node's stream. The stream makes a request object for every
 * write and calls back in a tick of its own, after which Node looks through rejected promises: for a short answer more
 * than the system call itself.
 */
import { writeSync, writevSync } from 'node:fs'
import type { Socket } from 'node:net'

/** What Node's sockets have and its types do not. */
interface Handle {
  readonly fd?: number
}

/** Undefined where bytes must not go there as they are, as with TLS, or where sockets have none, as on Windows. */
export function descriptorOf(socket: Socket): number | undefined {
  if ('encrypted' in socket) return undefined
  const { fd } = (socket as unknown as { readonly _handle?: Handle | null })._handle ?? {}
  return fd !== undefined && fd > 2 ? fd : undefined
}

/**
 * @returns how many of the bytes the kernel took. 0 also when it cannot take any, for whatever reason: the stream, which
 *   gets them next, waits until it can, or reports what is wrong
 */
export function writeToDescriptor(fd: number, bytes: Uint8Array): number {
  try {
    return writeSync(fd, bytes)
  } catch {
    return 0
  }
}

/** The same for bytes that lie in pieces. */
export function writePiecesToDescriptor(fd: number, pieces: readonly Uint8Array[]): number {
  try {
    return writevSync(fd, pieces)
  } catch {
    return 0
  }
}

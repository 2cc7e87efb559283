/**
 * Sockets of TCP that read into one buffer, the same for all sockets of a thread. By itself Node takes 64 KiB of new
 * memory for every read, gives back what was not filled, and wraps the rest in objects that the collector has to follow.
 *
 * What was read is lent: the next read, of whichever socket, writes over it.
 */
import { Socket } from 'node:net'
import { allocateUncleared } from '../core/index.ts'

/**
 * What one read takes at most. More is no faster; and libuv goes on reading one socket while reads fill the buffer, up to
 * 32 times, before others have their turn.
 */
const BUFFER_BYTES = 64 * 1024

type Receive = (memory: Uint8Array, length: number) => void

/** What Node's sockets have and its types do not. */
interface Handle {
  useUserBuffer?(buffer: Uint8Array): void
}

let shared: Uint8Array | undefined

/**
 * No `Buffer`, whose `subarray` takes half as long again. Reads of Windows are under way while the event loop turns, each
 * into memory of its own.
 */
function takeBuffer(): Uint8Array {
  if (process.platform === 'win32') return allocateUncleared(BUFFER_BYTES)
  shared ??= allocateUncleared(BUFFER_BYTES)
  return shared
}

/** The socket's half of such a read, and the place where its owner puts who receives the bytes. */
export class SharedRead {
  /** Called with memory whose first bytes are lent; nothing is read before the socket is resumed. */
  receive: Receive | undefined
  readonly onread = {
    buffer: takeBuffer(),
    callback: (length: number, buffer: Uint8Array): boolean => {
      this.receive?.(buffer, length)
      return true
    },
  }
}

/**
 * An accepted socket, which has to be paused, as one that reads so. Servers make sockets without asking how; so another
 * one takes over what the operating system knows. Where that is not possible the socket stays as it is.
 */
export function readShared(accepted: Socket): { readonly socket: Socket; readonly read?: SharedRead } {
  const owner = accepted as unknown as { _handle: Handle | null }
  const handle = owner._handle
  if (typeof handle?.useUserBuffer !== 'function') return { socket: accepted }
  const read = new SharedRead()
  const options = { handle, onread: read.onread, pauseOnCreate: true, readable: true, writable: true }
  owner._handle = null
  return { socket: new Socket(options), read }
}

/** Binaries that are no text, taken out of received bytes. */

/** Node's Buffer where there is one; the codec itself also runs where there is none. */
export const NodeBuffer: typeof Buffer | undefined = (globalThis as { Buffer?: typeof Buffer }).Buffer

/**
 * From this size on a binary stays a view of what was received. Below it is copied, which takes a microsecond at most:
 * else a small binary that somebody keeps would hold a whole chunk of the socket (64 KiB) in memory.
 */
const KEEP_VIEW_FROM = 4096

/** And only when it is no less than this part of them: else one of 4 KiB could hold a message of many MiB. */
const KEEP_VIEW_PART = 1 / 16

/** Up to this many bytes are copied by a loop, which is over before a call of `set` has begun. */
const SHORT_COPY = 16

/** Whether a binary of that length is a view of the bytes that it lies in, where they are not only lent. */
export function isLeftInPlace(bytes: Uint8Array, length: number): boolean {
  return length >= KEEP_VIEW_FROM && length >= bytes.buffer.byteLength * KEEP_VIEW_PART
}

/** A view of the bytes from `start` to `end`: a `Buffer` on Node, else a plain Uint8Array. */
export function viewBinary(bytes: Uint8Array, start: number, end: number): Uint8Array {
  // Of a Buffer this is a Buffer, and takes half as long as making one of its memory.
  if (NodeBuffer === undefined || bytes instanceof NodeBuffer) return bytes.subarray(start, end)
  const { buffer, byteOffset } = bytes
  return buffer instanceof ArrayBuffer
    ? NodeBuffer.from(buffer, byteOffset + start, end - start)
    : bytes.subarray(start, end)
}

/** The same as a copy. */
export function copyBinary(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const length = end - start
  // Node hands small buffers out of a pool, which is cheaper than one allocation each.
  const taken = NodeBuffer === undefined ? new Uint8Array(length) : NodeBuffer.allocUnsafe(length)
  if (length > SHORT_COPY) taken.set(bytes.subarray(start, end))
  else for (let i = 0; i < length; i++) taken[i] = bytes[start + i]!
  return taken
}

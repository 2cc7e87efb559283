/**
 * Memory with anything in it: for what is written before it is read, and is not shown as far as it was not written.
 *
 * Clearing costs as much as writing does. Browsers have no other memory than cleared one.
 */
export function allocateUncleared(size: number): Uint8Array {
  const { Buffer: NodeBuffer } = globalThis as { Buffer?: typeof Buffer }
  if (NodeBuffer === undefined) return new Uint8Array(size)
  return new Uint8Array(NodeBuffer.allocUnsafeSlow(size).buffer)
}

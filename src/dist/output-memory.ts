/**
 * Memory that outgoing frames are written into, used again when the kernel has taken them. What is sent and received lies
 * outside of V8's heap; new memory for every message would bring full garbage collections, of 10 ms each.
 *
 *   take -> written to -> spend: given to the transport -> reclaim: the transport is empty -> take ...
 *
 * The spare memory is one for all connections of a thread, so that an idle connection holds none.
 */
import { allocateUncleared } from '../core/index.ts'

/** What frames are collected in; larger messages get their own. */
export const SLAB_BYTES = 128 * 1024

/** Large memory comes in multiples of this, so that it fits for messages of similar size. */
const STEP_BYTES = 256 * 1024

/** Spare slabs that are kept. */
const MAX_SLABS = 16

/** Larger memory than this is not kept, and not more than that in all. */
const MAX_LARGE_BYTES = 4 * 1024 * 1024
const MAX_SPARE_BYTES = 8 * 1024 * 1024

/** Spare memory of so many times the size that is asked for is left for others. */
const MAX_WASTE = 4

const slabs: Uint8Array[] = []
const large: Uint8Array[] = []
let largeBytes = 0

/** The memory of one connection. */
export class OutputMemory {
  /** Holds what the transport may still refer to. */
  readonly #spent: Uint8Array[] = []

  /** At least so many bytes, with anything in them. */
  take(size: number): Uint8Array {
    if (size <= SLAB_BYTES) return slabs.pop() ?? allocateUncleared(SLAB_BYTES)
    return takeLarge(size) ?? allocateUncleared(Math.ceil(size / STEP_BYTES) * STEP_BYTES)
  }

  /** Nobody writes to it any more; the transport may have to read it. */
  readonly spend = (memory: Uint8Array): void => {
    this.#spent.push(memory)
  }

  /** The transport has nothing left to read. */
  reclaim(): void {
    const spent = this.#spent
    while (spent.length > 0) keep(spent.pop()!)
  }
}

function takeLarge(size: number): Uint8Array | undefined {
  const index = large.findIndex(({ length }) => length >= size && length <= size * MAX_WASTE)
  if (index === -1) return undefined
  const [memory] = large.splice(index, 1)
  largeBytes -= memory!.length
  return memory
}

function keep(memory: Uint8Array): void {
  const { length } = memory
  if (length === SLAB_BYTES) {
    if (slabs.length < MAX_SLABS) slabs.push(memory)
  } else if (length <= MAX_LARGE_BYTES && largeBytes + length <= MAX_SPARE_BYTES) {
    large.push(memory)
    largeBytes += length
  }
}

/**
 * Memory for messages that arrive in fragments, used again when nothing of a message was kept as it lay there: text has
 * become a string, numbers have become numbers. Memory outside of V8's heap is what brings full collections.
 */
import { allocateUncleared } from '../core/index.ts'

/** Memory comes in multiples of this, so that it fits for the next message of the same kind. */
const STEP_BYTES = 4096

/** Smaller and larger memory than this is not kept. */
const MIN_SPARE_BYTES = 32 * 1024
const MAX_SPARE_BYTES = 4 * 1024 * 1024

/** Of the last such message of this thread, on whichever connection. */
let spare: Uint8Array | undefined

/** At least so many bytes, with anything in them. */
export function takeMessageMemory(size: number): Uint8Array {
  if (size < MIN_SPARE_BYTES) return allocateUncleared(size)
  const rounded = Math.ceil(size / STEP_BYTES) * STEP_BYTES
  if (spare?.length !== rounded) return allocateUncleared(rounded)
  const memory = spare
  spare = undefined
  return memory
}

/** Nobody refers to it any more. */
export function giveMessageMemory(memory: Uint8Array): void {
  const { length } = memory
  if (length >= MIN_SPARE_BYTES && length <= MAX_SPARE_BYTES) spare = memory
}

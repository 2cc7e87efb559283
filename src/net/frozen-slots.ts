/** The shared memory of frozen-writes.ts: what stands where. */

/** Words of a slot, and their places in it. */
export const SLOT_WORDS = 6
export const STATE = 0
export const FD = 1
/** Bytes of the beat that the kernel did not take. */
export const OWED = 2
export const EVERY_MS = 3
export const LIMIT_MS = 4
/** The bytes themselves. */
export const BEAT = 5

export const FREE = 0
export const OPEN = 1
export const WRITING = 2
export const BUSY = 3

/** Word 0 counts the turns of the event loop's timer; the slots follow. */
export const HEADER_WORDS = 1

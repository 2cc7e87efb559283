/** Layer 0: what every layer may use. Nothing here imports from `node:`, so that the codec runs anywhere. */
export { ByteReader, ByteWriter, OutOfBytesError } from './bytes.ts'
export { ChunkQueue } from './chunks.ts'
export { type Clock, systemClock, type Timer } from './clock.ts'
export { type EntryKeys, EntryTable } from './entry-table.ts'
export { BeamjoinError, describeError, OptionError } from './errors.ts'
export { type Logger, lineLogger, silentLogger } from './logger.ts'
export { allocateUncleared } from './memory.ts'
export { Queue } from './queue.ts'

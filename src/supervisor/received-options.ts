/**
 * The options of a child as the codec of this node shows terms. Specifications are kept and passed on exactly as they
 * came, `1.0` told from `1`; a class gets what it would get in a message, wherever it was started from.
 */
import { type CodecOptions, decode, type Encodable, EncodeError, encode, Float, Tuple } from '../etf/index.ts'

export function asReceived(value: unknown, codec: CodecOptions): unknown {
  const { binaries, floats, maps, structs } = codec
  const isChanged =
    (binaries !== undefined && binaries !== 'string') ||
    (maps !== undefined && maps !== 'map') ||
    (structs !== undefined && structs.length > 0) ||
    (floats !== 'exact' && holdsFloat(value))
  if (!isChanged) return value
  try {
    return decode(encode(value as Encodable), codec)
  } catch (error) {
    // No term: it was written on this node and stays as it is.
    if (error instanceof EncodeError) return value
    throw error
  }
}

function holdsFloat(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (value instanceof Float) return true
  if (Array.isArray(value) || value instanceof Tuple)
    return [...(value as Iterable<unknown>)].some(holdsFloat)
  if (value instanceof Map) return [...value].some(([, item]) => holdsFloat(item))
  return false
}

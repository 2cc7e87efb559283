/** Bounds of a connection; all finite, all configurable. */
import { OptionError } from '../core/index.ts'

export interface ConnectionLimits {
  /** Longest frame that is accepted, in bytes. A BEAM cuts messages at 64 KiB unless fragments are off. Default 128 MiB. */
  readonly frameBytes: number
  /** Messages of which some fragments are still to come, at one time. Default 16 384. */
  readonly fragmentedMessages: number
  /** Bytes in such messages together. A BEAM sends those of all its processes by turns. Default 1 GiB. */
  readonly fragmentedBytes: number
  /**
   * Output that waits for the peer, in bytes, above which the processes that send to it are held back. Default 1 MiB, as
   * `+zdbbl` of the BEAM.
   */
  readonly highWaterMark: number
  /** Output that waits for the peer, in bytes, above which the connection is given up. Default 256 MiB. */
  readonly pendingBytes: number
  /**
   * Milliseconds for which a connection that closes waits for a peer that takes nothing of what is queued. Default 5000.
   */
  readonly closeStall: number
  /** Milliseconds that closing may take in all, while the peer takes what is queued bit by bit. Default 60 000. */
  readonly closeTime: number
}

export const DEFAULT_CONNECTION_LIMITS: ConnectionLimits = Object.freeze({
  frameBytes: 128 * 1024 * 1024,
  fragmentedMessages: 16_384,
  fragmentedBytes: 1024 * 1024 * 1024,
  highWaterMark: 1024 * 1024,
  pendingBytes: 256 * 1024 * 1024,
  closeStall: 5000,
  closeTime: 60_000,
})

/**
 * The limits with the defaults filled in.
 *
 * @throws OptionError for a limit that is not a whole number from 1.
 */
export function resolveConnectionLimits(limits: Partial<ConnectionLimits> = {}): ConnectionLimits {
  const resolved = { ...DEFAULT_CONNECTION_LIMITS }
  for (const name of Object.keys(DEFAULT_CONNECTION_LIMITS) as (keyof ConnectionLimits)[]) {
    const value = limits[name]
    if (value === undefined) continue
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new OptionError(`limits.${name} must be a whole number from 1, got ${value}`)
    }
    Object.assign(resolved, { [name]: value })
  }
  return resolved
}

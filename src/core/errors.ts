/**
 * The base of every error that this package throws or rejects with.
 *
 * Match on `code`, never on the message: codes are stable, messages are for people. The list of codes is in
 * docs/errors.md. No error ever holds a cookie.
 */
export class BeamjoinError extends Error {
  /** Stable, machine-readable identifier such as `ERR_HANDSHAKE_BAD_COOKIE`. */
  readonly code: string

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }

  override get name(): string {
    return this.constructor.name
  }
}

/** An option, argument or name that the caller passed is unusable; the message says what to pass instead. */
export class OptionError extends BeamjoinError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('ERR_INVALID_OPTION', message, options)
  }
}

/** The message of anything that was thrown, for logs and error messages. */
export function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

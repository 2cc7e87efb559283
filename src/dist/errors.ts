import { BeamjoinError } from '../core/index.ts'

/** What a `DistError` knows besides its code; only what applies is set. */
export interface DistErrorDetails {
  /** The peer's node name, once it is known. */
  readonly peer?: string | undefined
  /** What arrived, or how much. */
  readonly actual?: string | number | undefined
  /** What was allowed, or how much. */
  readonly expected?: string | number | undefined
  readonly cause?: unknown
}

/**
 * A connection to another node could not be made or had to be given up.
 *
 * Match on `code`. While the connection is set up:
 * - `ERR_HANDSHAKE_TIMEOUT`: the whole set-up took longer than its one deadline;
 * - `ERR_HANDSHAKE_ABORTED`: the caller's signal ended it;
 * - `ERR_HANDSHAKE_CLOSED`: the peer closed; the state says why it may have;
 * - `ERR_HANDSHAKE_BAD_COOKIE`: the peer's digest is not the one that our cookie gives;
 * - `ERR_HANDSHAKE_NOK`: both nodes dial, and the peer's attempt wins;
 * - `ERR_HANDSHAKE_NOT_ALLOWED`: the peer refuses us, or we refuse the peer;
 * - `ERR_HANDSHAKE_ALIVE`: a connection between the two exists and stays;
 * - `ERR_HANDSHAKE_BUSY`: another attempt of the same peer is being negotiated;
 * - `ERR_HANDSHAKE_NAME_MISMATCH`: another node than the dialled one answered;
 * - `ERR_HANDSHAKE_BAD_NAME`: a node name that is not `name@host`;
 * - `ERR_HANDSHAKE_MISSING_FLAGS`: the peer lacks capabilities that OTP made mandatory;
 * - `ERR_HANDSHAKE_UNEXPECTED_NAMED`: the peer gives us a name that we did not ask for, or none though we did;
 * - `ERR_HANDSHAKE_UNEXPECTED_MESSAGE`: a message that the state does not allow;
 * - `ERR_HANDSHAKE_BAD_MESSAGE`: a message that cannot be read, or is too long.
 *
 * While it is up:
 * - `ERR_DIST_CLOSED`: the peer closed the connection; BEAM nodes do that silently after a violation of ours;
 * - `ERR_DIST_TRANSPORT`: the network ended it, with the reason in `cause`;
 * - `ERR_DIST_TICK_TIMEOUT`: the peer was silent for the net tick time;
 * - `ERR_DIST_FRAME_LIMIT`: a frame announced as longer than `limits.frameBytes`;
 * - `ERR_DIST_BAD_FRAME`: a frame that is no distribution frame of the negotiated form;
 * - `ERR_DIST_BAD_ATOM_REF`: an atom cache slot that was never filled, or an atom that is none;
 * - `ERR_DIST_BAD_FRAGMENT`: fragments that do not count down, or belong to no message;
 * - `ERR_DIST_FRAGMENT_LIMIT`: more unfinished messages, or more bytes in them, than the limits allow;
 * - `ERR_DIST_BAD_TERM`: a term that cannot be decoded, with the `DecodeError` in `cause`;
 * - `ERR_DIST_UNKNOWN_OP`: a control message with an operation number that is not known, or dead;
 * - `ERR_DIST_BAD_CONTROL`: a control message with the wrong number or types of elements;
 * - `ERR_DIST_OUTPUT_LIMIT`: the peer reads so slowly that `limits.pendingBytes` wait for it;
 * - `ERR_DIST_UNSENT`: the connection was closed, and the peer did not take all that was queued: `actual` bytes, at most;
 * - `ERR_DIST_REENTRANT`: code that encodes a message tried to send another one (thrown to that code);
 * - `ERR_DIST_INTERNAL`: our own handler of a signal failed, with the error in `cause`: a bug on this side.
 */
export class DistError extends BeamjoinError {
  readonly peer: string | undefined
  readonly actual: string | number | undefined
  readonly expected: string | number | undefined

  constructor(code: string, message: string, details: DistErrorDetails = {}) {
    super(code, message, 'cause' in details ? { cause: details.cause } : undefined)
    this.peer = details.peer
    this.actual = details.actual
    this.expected = details.expected
  }
}

/** What can go wrong with epmd, by stable code; what lies below is kept as `cause`. */
import { BeamjoinError } from '../core/index.ts'

export type EpmdErrorCode =
  /** No epmd answers at that address. */
  | 'ERR_EPMD_UNREACHABLE'
  /** epmd took the connection and did not answer in time. */
  | 'ERR_EPMD_TIMEOUT'
  /** epmd closed the connection before its answer was complete. */
  | 'ERR_EPMD_CLOSED'
  /** What answered does not speak epmd's protocol. */
  | 'ERR_EPMD_BAD_RESPONSE'
  /** Another node is registered under that name. */
  | 'ERR_EPMD_NAME_TAKEN'
  /** The caller's signal gave up the request. */
  | 'ERR_EPMD_ABORTED'
  /** A request to our server is malformed; it costs the requester its connection. */
  | 'ERR_EPMD_BAD_REQUEST'
  /** Our server's port is in use, most likely by an epmd. */
  | 'ERR_EPMD_ADDRESS_IN_USE'
  /** Our server cannot listen for another reason; see `cause`. */
  | 'ERR_EPMD_LISTEN_FAILED'

/** Rejected with by `EpmdClient` and `EpmdServer.listen`, and thrown by the decoders. Match on `code`. */
export class EpmdError extends BeamjoinError {
  declare readonly code: EpmdErrorCode

  constructor(code: EpmdErrorCode, message: string, options?: { cause?: unknown }) {
    super(code, message, options)
  }
}

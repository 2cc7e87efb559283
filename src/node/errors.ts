import { BeamjoinError } from '../core/index.ts'

/** A node could not be reached, or this node could not be started; `code` says which. */
export class NodeError extends BeamjoinError {
  constructor(
    code:
      | 'ERR_NODE_UNKNOWN'
      | 'ERR_NODE_UNREACHABLE'
      | 'ERR_NODE_SELF'
      | 'ERR_NODE_STOPPED'
      | 'ERR_NODE_NAMELESS'
      | 'ERR_NODE_DOWN'
      | 'ERR_NODE_OUTBOX_FULL'
      | 'ERR_NODE_LISTEN',
    message: string,
    options?: { cause?: unknown },
  ) {
    super(code, message, options)
  }
}

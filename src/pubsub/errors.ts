import { BeamjoinError } from '../core/index.ts'

export type PubSubErrorCode = 'ERR_PUBSUB_STOPPED' | 'ERR_PUBSUB_BEHIND'

/** The pubsub was stopped, or a subscription was not read for so long that too much waits in it. */
export class PubSubError extends BeamjoinError {
  declare readonly code: PubSubErrorCode
}

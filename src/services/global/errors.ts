import { BeamjoinError } from '../../core/index.ts'

/**
 * `global` cannot do what was asked: `ERR_GLOBAL_NO_NAME`, nobody has the name that a message is for, where the BEAM exits
 * with `{badarg, {Name, Message}}`; `ERR_GLOBAL_ABORTED`, a lock was not free in as many attempts as were allowed, where
 * the BEAM returns `aborted`; `ERR_GLOBAL_STOPPED`, the name server does not run any more.
 */
export class GlobalError extends BeamjoinError {
  declare readonly code: 'ERR_GLOBAL_NO_NAME' | 'ERR_GLOBAL_ABORTED' | 'ERR_GLOBAL_STOPPED'
}

import { BeamjoinError } from '../../core/index.ts'

/**
 * A process group was asked for what it cannot do: `ERR_PG_NOT_LOCAL`, a pid of another node, where the BEAM raises
 * `{nolocal, Pid}`; `ERR_PG_STOPPED`, the scope does not run any more.
 */
export class PgError extends BeamjoinError {
  declare readonly code: 'ERR_PG_NOT_LOCAL' | 'ERR_PG_STOPPED'
}

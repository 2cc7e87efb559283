/** The errors of the supervisors. Match on `code`. */
import { BeamjoinError } from '../core/index.ts'
import { brief, type Term } from '../etf/index.ts'

/**
 * A supervisor could not do what it was asked to; `reason` is the term that OTP gives in `{error, Reason}`.
 *
 * `ERR_SUPERVISOR_BAD_SPEC`, `ERR_SUPERVISOR_START_FAILED`, `ERR_SUPERVISOR_CHILD_IGNORED`,
 * `ERR_SUPERVISOR_NOT_FOUND`, `ERR_SUPERVISOR_RUNNING`; of a DistributedSupervisor also `ERR_SUPERVISOR_ALREADY_STARTED`, `reason` is the pid, and
 * `ERR_SUPERVISOR_UNDEF`, no node can run the module, which is `reason`; and
 * `ERR_SUPERVISOR_NOT_RUNNING`, this node has none of that name, which is `reason`.
 */
export class SupervisorError extends BeamjoinError {
  readonly reason: Term

  constructor(code: string, message: string, reason: Term) {
    super(code, `${message}: ${brief(reason)}`)
    this.reason = reason
  }
}

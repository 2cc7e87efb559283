/** A process of the pool: takes what other nodes broadcast. Whatever else it is sent is ignored, as the adapter does. */
import type { Term } from '../etf/index.ts'
import { GenServer, noreply } from '../runtime/index.ts'
import { decodeForward, type Forwarded } from './protocol.ts'

export interface WorkerState {
  deliver(forwarded: Forwarded): void
}

export class PubSubWorker extends GenServer<WorkerState> {
  override init(state: WorkerState): WorkerState {
    return state
  }

  override handleInfo(message: Term, state: WorkerState) {
    const forwarded = decodeForward(message)
    if (forwarded !== undefined) state.deliver(forwarded)
    return noreply(state)
  }

  override handleCast(_request: Term, state: WorkerState) {
    return noreply(state)
  }

  override formatStatus(): Term {
    return 'a worker of Phoenix.PubSub'
  }
}

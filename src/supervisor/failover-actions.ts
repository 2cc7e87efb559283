/** What the registry of names has others do, done by the supervisors of this node and of others. */
import { atom, Pid, type Term, Tuple } from '../etf/index.ts'
import type { ChildActions, StartOutcome } from './child-actions.ts'
import type { ChildSpec } from './child-spec.ts'
import type { SupervisorHost } from './host.ts'
import type { SupervisorNames } from './names.ts'
import { type RemoteSupervisors, readAnswer, type StartAnswer } from './remote-supervisors.ts'

const ALREADY_STARTED = atom('already_started')
const IGNORE = atom('ignore')
const OK = atom('ok')

export interface FailoverActionParts {
  readonly host: SupervisorHost
  readonly names: SupervisorNames
  readonly remote: RemoteSupervisors
  startHere(spec: ChildSpec): Promise<Term>
  /** Ends a child of this node for good. */
  endHere(pid: Pid, reason: Term): Promise<Term>
}

export function failoverActions({ host, names, remote, ...here }: FailoverActionParts): ChildActions {
  const unlessItFails = async <T>(act: Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await act
    } catch (error) {
      host.logger.debug({ supervisor: names.name.name, error }, 'a step of a failover did not work')
      return otherwise
    }
  }
  const isAlive = async (pid: Pid): Promise<boolean> =>
    pid.node === host.name ? host.runtime.isAlive(pid) : remote.isAlive(pid)

  const outcomeOf = async (answer: Term): Promise<StartOutcome> => {
    if (answer === IGNORE) return 'ignored'
    if (!(answer instanceof Tuple)) return 'failed'
    if (answer[0] === OK) return 'started'
    const reason = answer[1] as Term
    if (!(reason instanceof Tuple) || reason[0] !== ALREADY_STARTED || !(reason[1] instanceof Pid)) {
      return 'failed'
    }
    // Who has not noticed yet that a node is gone still takes its child for the owner of the name.
    const isReachable = reason[1].node === host.name || host.nodes('all').includes(reason[1].node)
    return isReachable && (await isAlive(reason[1])) ? 'started' : 'failed'
  }

  const outcomeOfStart = async (answer: StartAnswer): Promise<StartOutcome> =>
    answer.type === 'answer' ? outcomeOf(answer.answer) : 'cannot'

  return {
    startHere: (spec) =>
      unlessItFails(
        here.startHere(spec).then((answer) => outcomeOfStart(readAnswer(answer, spec.start.module))),
        'failed',
      ),
    startOn: (node, spec) => unlessItFails(remote.start(node, spec).then(outcomeOfStart), 'failed'),
    end: async (pid, reason) => {
      const ended = pid.node === host.name ? here.endHere(pid, reason) : remote.terminate(pid)
      await unlessItFails(ended, null)
    },
    isAlive,
    isKept: (question) => remote.isKept(question),
  }
}

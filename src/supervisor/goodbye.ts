/** What a supervisor that ends tells the others in its ring, as the hex package means to (design.md, section 5). */
import { atom, type Encodable, type Pid, type Term, tuple } from '../etf/index.ts'
import type { ChildSpec } from './child-spec.ts'
import type { Children } from './children.ts'
import type { Cluster } from './cluster.ts'
import type { SupervisorHost } from './host.ts'
import type { SupervisorNames } from './names.ts'

const GEN_SERVER = atom('gen_server')
const INIT = atom('init')
const INITIAL_CALL = atom('$initial_call')
const MODULE = atom('module')
const NODE_TERMINATE = atom('node_terminate')
const RUNNING = atom('running')
const STATUS = atom('status')

/** `{:node_terminate, node, reason, statuses}` to the registry of every other member that is connected. */
export function sayGoodbye(
  host: SupervisorHost,
  names: SupervisorNames,
  cluster: Cluster,
  children: Children,
  reason: Term,
): void {
  const supervisor = host.runtime.whereis(names.dynamicSupervisor) ?? null
  const statuses = [...children].map(({ pid, spec }) => statusOf(pid, spec, supervisor))
  const message = tuple(NODE_TERMINATE, host.name, reason, statuses)
  for (const node of cluster.ring.nodes) {
    if (node !== host.name && cluster.isReachable(node)) host.runtime.send([names.registry, node], message)
  }
}

/** The shape of `:sys.get_status/1`, without asking every child. */
function statusOf(pid: Pid, { start }: ChildSpec, supervisor: Pid | null): Encodable {
  const dictionary = [tuple(INITIAL_CALL, tuple(start.module, INIT, 1))]
  return tuple(STATUS, pid, tuple(MODULE, GEN_SERVER), [dictionary, RUNNING, supervisor, [], []])
}

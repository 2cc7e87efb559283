/**
 * The functions through which other nodes use the supervisors of this one by rpc (design.md, section 5). They stand for
 * whatever supervisor the first argument names, so one set serves any number of supervisors, and stays when one ends.
 */
import { Atom, alias, atom, type Encodable, Pid, type Term, Tuple, tuple } from '../etf/index.ts'
import { CallError, type Destination, ExitError, type Runtime, silently } from '../runtime/index.ts'
import { childSpecToTuple, parseChildSpec } from './child-spec.ts'
import { SupervisorError } from './errors.ts'
import type { RemoteCalls } from './host.ts'
import { supervisorNames } from './names.ts'

const BADARG = atom('badarg')
const CALL = atom('call')
const COUNT_CHILDREN = atom('count_children')
const ERROR = atom('error')
const GET_STATUS = atom('get_status')
const INFINITY = atom('infinity')
const START_CHILD = atom('start_child')
const SYSTEM = atom('system')
const TERMINATE_CHILD = atom('terminate_child')
const WHICH_CHILDREN = atom('which_children')
const GEN_SERVER = alias('GenServer')

/** Who knows whether an end of a child that another node asks for is meant so. */
export interface EndsForOthers {
  /** What to answer in place of ending the child, or undefined. */
  settle(pid: Pid, asker: Atom): Promise<Term | undefined>
}

/**
 * `DynamicSupervisor.start_child/2` and its siblings, and what the hex package asks of its peers.
 *
 * @param endsOf of a supervisor that does not do just what it is told; undefined for all others
 */
export function exposeSupervisorFunctions(
  rpc: RemoteCalls,
  runtime: Runtime,
  endsOf: (supervisor: Term | undefined) => EndsForOthers | undefined = () => undefined,
): void {
  const call = async (supervisor: Term | undefined, request: Encodable, label?: Atom): Promise<Term> => {
    const options = { timeout: 'infinity' } as const
    const destination = toDestination(supervisor)
    try {
      if (label !== undefined) return await runtime.client.request(label, destination, request, options)
      return await runtime.call(destination, request, options)
    } catch (error) {
      if (!(error instanceof CallError)) throw error
      // As the caller of GenServer.call/3 exits.
      throw new ExitError(tuple(error.reason, tuple(GEN_SERVER, CALL, [supervisor, request, INFINITY])))
    }
  }
  const expose: RemoteCalls['expose'] = (module, functions) => rpc.expose(module, silently(functions))
  expose('Elixir.DynamicSupervisor', {
    start_child: (supervisor, spec) => startChild(spec as Term, (request) => call(supervisor, request)),
    async terminate_child(supervisor, pid) {
      const { caller } = this
      const ends = pid instanceof Pid && caller !== undefined ? endsOf(supervisor) : undefined
      const settled = await ends?.settle(pid as Pid, caller!.node)
      return settled ?? call(supervisor, tuple(TERMINATE_CHILD, pid))
    },
    which_children: (supervisor) => call(supervisor, WHICH_CHILDREN),
    count_children: async (supervisor) => new Map(pairs(await call(supervisor, COUNT_CHILDREN))),
  })
  // Whether a child lives is asked of its node, also of one that tells tools nothing else.
  expose('Elixir.Process', { 'alive?/1': (pid) => pid instanceof Pid && runtime.isAlive(pid) })
  expose('Elixir.DistributedSupervisor', {
    dynamic_supervisor_status: (name) => {
      if (!(name instanceof Atom)) throw new ExitError(BADARG)
      return call(supervisorNames(name).dynamicSupervisor, GET_STATUS, SYSTEM)
    },
  })
}

/** As `DynamicSupervisor.start_child/2`: checks the specification, then calls the server with its tuple. */
async function startChild(spec: Term, call: (request: Encodable) => Promise<Term>): Promise<Term> {
  try {
    return await call(tuple(START_CHILD, childSpecToTuple(parseChildSpec(spec))))
  } catch (error) {
    if (error instanceof SupervisorError) return tuple(ERROR, error.reason) as Term
    throw error
  }
}

function pairs(keyword: Term): [Term, Term][] {
  return Array.isArray(keyword) ? keyword.map((pair) => [...(pair as Tuple)] as [Term, Term]) : []
}

/** A pid, a registered name or `{name, node}`. */
function toDestination(supervisor: Term | undefined): Destination {
  if (supervisor instanceof Pid || supervisor instanceof Atom) return supervisor
  if (supervisor instanceof Tuple && supervisor.length === 2) {
    const [name, node] = supervisor as Tuple<[Term, Term]>
    if (name instanceof Atom && node instanceof Atom) return [name, node]
  }
  throw new ExitError(BADARG)
}

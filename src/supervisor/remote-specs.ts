/** How the children of an Elixir node were started: read from the status of its supervisor, as the hex package does. */
import { type Atom, alias, atom, Pid, type Term, TermMap, Tuple } from '../etf/index.ts'
import { type ChildSpec, parseChildSpec } from './child-spec.ts'
import { SupervisorError } from './errors.ts'
import type { RemoteCalls } from './host.ts'

const DISTRIBUTED_SUPERVISOR = alias('DistributedSupervisor')
const DYNAMIC_SUPERVISOR = alias('DynamicSupervisor')
const CHILDREN = atom('children')
const DATA = atom('data')
const STRUCT = atom('__struct__')
const STATE = 'State'
const TIMEOUT_MS = 5_000

/** The specifications by pid; empty when the node does not tell. */
export async function remoteSpecs(
  rpc: RemoteCalls,
  node: Atom,
  supervisor: Atom,
): Promise<TermMap<Term, ChildSpec>> {
  try {
    const options = { timeout: TIMEOUT_MS }
    const status = await rpc.call(
      node,
      DISTRIBUTED_SUPERVISOR,
      'dynamic_supervisor_status',
      [supervisor],
      options,
    )
    return specsIn(status)
  } catch {
    return new TermMap()
  }
}

/** Looks for `{'State', %DynamicSupervisor{children: %{pid => {mfa, restart, shutdown, type, modules}}}}`. */
export function specsIn(status: Term): TermMap<Term, ChildSpec> {
  const specs = new TermMap<Term, ChildSpec>()
  const state = findState(status)
  const children = state?.get(STRUCT) === DYNAMIC_SUPERVISOR ? state.get(CHILDREN) : undefined
  if (!(children instanceof Map)) return specs
  for (const [pid, child] of children as Map<Term, Term>) {
    const spec = pid instanceof Pid ? readSpec(child) : undefined
    if (spec !== undefined) specs.set(pid, spec)
  }
  return specs
}

function findState(status: Term): Map<Term, Term> | undefined {
  const properties = status instanceof Tuple ? status[3] : undefined
  const misc = Array.isArray(properties) ? properties.at(-1) : undefined
  if (!Array.isArray(misc)) return undefined
  for (const entry of misc as Term[]) {
    if (!(entry instanceof Tuple) || entry[0] !== DATA || !Array.isArray(entry[1])) continue
    for (const pair of entry[1] as Term[]) {
      if (pair instanceof Tuple && isText(pair[0] as Term, STATE) && pair[1] instanceof Map) return pair[1]
    }
  }
  return undefined
}

/** The id is not kept there: it is the module, as the hex package has it. */
function readSpec(child: Term): ChildSpec | undefined {
  try {
    const spec = parseChildSpec(child)
    return { ...spec, id: spec.start.module }
  } catch (error) {
    // A temporary child's arguments are not kept: it cannot be described.
    if (error instanceof SupervisorError) return undefined
    throw error
  }
}

function isText(term: Term, text: string): boolean {
  return Array.isArray(term) && String.fromCharCode(...term.map(Number)) === text
}

/** Specifications for a `Supervisor`: the checks of OTP's `supervisor`, which differ a little from DynamicSupervisor's. */
import { atom, type Encodable, encode, type Pid, type Term, Tuple, termEquals, tuple } from '../etf/index.ts'
import { UNDEFINED } from './atoms.ts'
import { type ChildSpec, childSpecToMap, childSpecToTuple, LocalSpec, parseChildSpec } from './child-spec.ts'
import { SupervisorError } from './errors.ts'

/** Whether a supervisor ends with its significant children: never, with the first of them, with the last. */
export type AutoShutdown = 'never' | 'anySignificant' | 'allSignificant'

const AUTO_SHUTDOWN = atom('auto_shutdown')
const CHILD = atom('child')
const ID = atom('id')
const NEVER = atom('never')
const PERMANENT = atom('permanent')
const RESTART = atom('restart')
const SIGNIFICANT = atom('significant')
const START = atom('start')

/**
 * The specification in what arrived, a map, a tuple of six, or one that code of this node wrote.
 *
 * @throws SupervisorError `ERR_SUPERVISOR_BAD_SPEC` with OTP's reason: `missing_id`, `missing_start`,
 * `{invalid_significant, _}`, `{bad_combination, _}` and those of `parseChildSpec`
 */
export function parseSupervisorSpec(term: unknown, autoShutdown: AutoShutdown): ChildSpec {
  if (term instanceof LocalSpec) return checkSignificant(term.spec, autoShutdown)
  if (term instanceof Map) {
    if (!term.has(ID)) throw bad(atom('missing_id'))
    if (!term.has(START)) throw bad(atom('missing_start'))
    const significant = term.get(SIGNIFICANT) ?? false
    if (typeof significant !== 'boolean') throw bad(tuple(atom('invalid_significant'), significant) as Term)
  }
  return checkSignificant(parseChildSpec(term as Term, 0), autoShutdown)
}

/** @throws SupervisorError `ERR_SUPERVISOR_BAD_SPEC`, `{duplicate_child_name, id}` */
export function checkIds(specs: readonly ChildSpec[]): void {
  specs.forEach(({ id }, index) => {
    if (specs.slice(0, index).some((other) => termEquals(other.id, id)))
      throw bad(tuple(atom('duplicate_child_name'), id) as Term)
  })
}

/** A significant child needs a supervisor that heeds it, and cannot be permanent. @throws SupervisorError */
export function checkSignificant(spec: ChildSpec, autoShutdown: AutoShutdown): ChildSpec {
  if (!spec.significant) return spec
  if (autoShutdown === 'never') throw badCombination(AUTO_SHUTDOWN, NEVER)
  if (spec.restart === 'permanent') throw badCombination(RESTART, PERMANENT)
  return spec
}

/** The map that `get_childspec` answers with. */
export function supervisorSpecToMap(spec: ChildSpec): Encodable {
  return new Map<Term, Term>([
    ...childSpecToMap(spec),
    [START, shownStart(spec)],
    [SIGNIFICANT, spec.significant],
  ])
}

/** A child as OTP's supervisor keeps it and shows it: the record `child`. */
export function childRecord(spec: ChildSpec, pid: Pid | undefined): Encodable {
  const { id, significant, modules } = spec
  const [, restart, shutdown, type] = childSpecToTuple(spec)
  const shown = [CHILD, pid ?? UNDEFINED, id, shownStart(spec), restart, significant, shutdown, type, modules]
  return new Tuple(shown as Term[]) as unknown as Tuple
}

/** As of temporary children in OTP, arguments that cannot be shown are `undefined`: code of this node may pass any. */
function shownStart({ start }: ChildSpec): Term {
  const { module, function: name, args } = start
  try {
    encode(args as Encodable)
    return tuple(module, name, args) as Term
  } catch {
    return tuple(module, name, UNDEFINED) as Term
  }
}

function badCombination(key: Term, value: Term): SupervisorError {
  return bad(tuple(atom('bad_combination'), [tuple(key, value), tuple(SIGNIFICANT, true)]) as Term)
}

function bad(reason: Term): SupervisorError {
  return new SupervisorError('ERR_SUPERVISOR_BAD_SPEC', 'the child specification cannot be used', reason)
}

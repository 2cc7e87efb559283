/**
 * Specifications of children: what Elixir and OTP put on the wire, and what TypeScript code writes.
 *
 * Two forms arrive (protocol.md 9.3): the map of `Supervisor.child_spec/2`, and the tuple that `DynamicSupervisor` makes
 * of it before it calls its server, `{{M, F, Args}, Restart, Shutdown, Type, Modules}`. Wrong ones are refused with the
 * reasons of Elixir. `significant` means nothing to a supervisor whose children come and go, and is ignored there.
 */
import { Atom, alias, atom, type Encodable, type Term, Tuple, tuple } from '../etf/index.ts'
import type { ServerClass, ServerName } from '../runtime/index.ts'
import { SupervisorError } from './errors.ts'

/** When a child that ended is started again: always, only after a crash, never. */
export type Restart = 'permanent' | 'transient' | 'temporary'

/** How a child is ended: milliseconds between the exit signals `shutdown` and `kill`, no limit, or `kill` at once. */
export type Shutdown = number | 'infinity' | 'brutal_kill'

export type ChildType = 'worker' | 'supervisor'

/** Module, function and arguments: on a TypeScript node the module says which class; the function says nothing. */
export interface ChildStart {
  readonly module: Atom
  readonly function: Atom
  readonly args: readonly Term[]
}

/** What only this node knows of a child that its own code wrote: nothing of it has a term. */
export interface LocalStart {
  readonly server: ServerClass
  readonly name: ServerName | undefined
  /** Milliseconds that `init` may take. */
  readonly timeout: number | 'infinity' | undefined
}

/** A complete specification. */
export interface ChildSpec {
  readonly id: Term
  readonly start: ChildStart
  readonly restart: Restart
  /** Whether its orderly end counts for the `autoShutdown` of its supervisor. */
  readonly significant: boolean
  readonly shutdown: Shutdown
  readonly type: ChildType
  /** Or the atom `dynamic`. */
  readonly modules: readonly Atom[] | Atom
  /** Undefined for a child that is a module of Elixir. */
  readonly local: LocalStart | undefined
}

/** What may be left out. */
export interface ChildSpecOptions {
  /** Default: the module. */
  readonly id?: Encodable
  /** Default: `permanent`. */
  readonly restart?: Restart
  /** Milliseconds from 0. Default: 5000 for a worker, `infinity` for a supervisor. */
  readonly shutdown?: Shutdown
  /** Default: `worker`. */
  readonly type?: ChildType
  /** Default: the module. */
  readonly modules?: readonly Atom[] | Atom
  /** Whether its orderly end counts for the `autoShutdown` of its supervisor; false. Not of a permanent child. */
  readonly significant?: boolean
  /** What a class is registered under, before its `init` runs. */
  readonly name?: ServerName
  /** Milliseconds that `init` of a class may take; no limit. Then the child is killed, its reason is `:timeout`. */
  readonly timeout?: number | 'infinity'
}

/** A server class and the argument of its `init`, or an Elixir module, a function and its arguments. */
export type ChildStartInput =
  | readonly [server: ServerClass, args?: unknown]
  | readonly [module: Atom | string, fun: Atom | string, args: readonly Encodable[]]

/**
 * A child as TypeScript code writes it.
 *
 * @example
 * const children: ChildSpecInput[] = [
 *   [Counter, { start: 5 }],
 *   { start: [Counter, { start: 5 }], restart: 'transient' },
 *   { id: 'x', start: ['Elixir.Counter', 'start_link', [5]], shutdown: 'brutal_kill' },
 * ]
 */
export type ChildSpecInput =
  | readonly [server: ServerClass, args?: unknown]
  | (ChildSpecOptions & { readonly start: ChildStartInput })

const ID = atom('id')
const START = atom('start')
const RESTART = atom('restart')
const SHUTDOWN = atom('shutdown')
const TYPE = atom('type')
const MODULES = atom('modules')
const SIGNIFICANT = atom('significant')
const DYNAMIC = atom('dynamic')
const START_LINK = atom('start_link')
const WORKER = atom('worker')
const SUPERVISOR = atom('supervisor')
const PERMANENT = atom('permanent')
const INFINITY = atom('infinity')

const DEFAULT_SHUTDOWN_MS = 5000

/** The parts of a specification as they arrived, not checked yet. */
interface RawSpec {
  readonly id: Term
  readonly start: Term
  readonly restart: Term
  readonly shutdown: Term | undefined
  readonly type: Term
  readonly modules: Term | undefined
  readonly significant: Term
}

/**
 * The specification in a term, map or tuple.
 *
 * @param leastShutdown milliseconds; Elixir's DynamicSupervisor refuses 0, OTP's supervisor takes it
 * @throws SupervisorError `ERR_SUPERVISOR_BAD_SPEC` with Elixir's reason: `{:invalid_mfa, _}`,
 * `{:invalid_restart_type, _}`, `{:invalid_shutdown, _}`, `{:invalid_child_type, _}`, `{:invalid_modules, _}`,
 * `{:invalid_child_spec, _}`
 */
export function parseChildSpec(term: Term, leastShutdown = 1): ChildSpec {
  const raw = rawSpec(term)
  const start = parseStart(raw.start)
  const type = parseType(raw.type)
  return {
    id: raw.id,
    start,
    type,
    restart: parseRestart(raw.restart),
    shutdown: parseShutdown(raw.shutdown ?? defaultShutdown(type), leastShutdown),
    modules: raw.modules === undefined ? [start.module] : parseModules(raw.modules),
    significant: raw.significant === true,
    local: undefined,
  }
}

/**
 * The specification that TypeScript code wrote.
 *
 * @param moduleOf the Elixir module name of a class; by default the alias of the class name
 * @throws SupervisorError `ERR_SUPERVISOR_BAD_SPEC`
 */
export function toChildSpec(
  input: ChildSpecInput,
  moduleOf: (server: ServerClass) => Atom = (server) => alias(server.name),
): ChildSpec {
  const options: ChildSpecOptions = 'start' in input ? input : {}
  const given = 'start' in input ? input.start : input
  const start = toStart(given, moduleOf)
  const { type = 'worker', restart = 'permanent' } = options
  return {
    id: (options.id ?? start.module) as Term,
    start,
    type,
    restart,
    shutdown: parseShutdown(shutdownTerm(options.shutdown) ?? defaultShutdown(type)),
    modules: options.modules ?? [start.module],
    significant: options.significant ?? false,
    local:
      typeof given[0] === 'function'
        ? { server: given[0], name: options.name, timeout: options.timeout }
        : undefined,
  }
}

/** The map of `Supervisor.child_spec/2`. */
export function childSpecToMap(spec: ChildSpec): Map<Term, Term> {
  return new Map<Term, Term>([
    [ID, spec.id],
    [START, mfa(spec.start)],
    [RESTART, atom(spec.restart)],
    [SHUTDOWN, shutdownTerm(spec.shutdown) as Term],
    [TYPE, atom(spec.type)],
    [MODULES, spec.modules as Term],
  ])
}

/** The tuple that `DynamicSupervisor` keeps: `{{M, F, Args}, Restart, Shutdown, Type, Modules}`. */
export function childSpecToTuple(spec: ChildSpec): Tuple {
  const { start, restart, shutdown, type, modules } = spec
  const parts: Term[] = [
    mfa(start),
    atom(restart),
    shutdownTerm(shutdown) as Term,
    atom(type),
    modules as Term,
  ]
  return new Tuple(parts) as unknown as Tuple
}

/**
 * A specification on its way to a supervisor of this node, with what has no term. Only code of this node can make one:
 * what other nodes send are maps and tuples.
 */
export class LocalSpec {
  readonly spec: ChildSpec

  constructor(spec: ChildSpec) {
    this.spec = spec
  }
}

/** What to send to a supervisor: as the term, or with the class that only this node has. */
export function sendableSpec(spec: ChildSpec, toTerm: (spec: ChildSpec) => Encodable): Encodable {
  return spec.local === undefined ? toTerm(spec) : (new LocalSpec(spec) as unknown as Encodable)
}

function mfa({ module, function: name, args }: ChildStart): Term {
  return tuple(module, name, args) as Term
}

function shutdownTerm(shutdown: Shutdown | undefined): Term | undefined {
  return typeof shutdown === 'string' ? atom(shutdown) : shutdown
}

function rawSpec(term: Term): RawSpec {
  if (term instanceof Map) {
    const start = term.get(START)
    if (!term.has(ID) || !(start instanceof Tuple) || start.length !== 3) throw invalid('child_spec', term)
    return {
      id: term.get(ID) as Term,
      start,
      restart: term.get(RESTART) ?? PERMANENT,
      shutdown: term.get(SHUTDOWN),
      type: term.get(TYPE) ?? WORKER,
      modules: term.get(MODULES),
      significant: term.get(SIGNIFICANT) ?? false,
    }
  }
  if (!(term instanceof Tuple) || (term.length !== 5 && term.length !== 6)) throw invalid('child_spec', term)
  // The old form of six elements has the id in front.
  const parts: Term[] = [...term]
  const id = parts.length === 6 ? (parts.shift() as Term) : atom('undefined')
  const [start, restart, shutdown, type, modules] = parts as [Term, Term, Term, Term, Term]
  return { id, start, restart, shutdown, type, modules, significant: false }
}

function parseStart(term: Term): ChildStart {
  if (term instanceof Tuple && term.length === 3) {
    const [module, name, args] = [...term]
    if (module instanceof Atom && name instanceof Atom && Array.isArray(args)) {
      return { module, function: name, args }
    }
  }
  throw invalid('mfa', term)
}

function parseRestart(term: Term): Restart {
  const name = term instanceof Atom ? term.name : undefined
  if (name === 'permanent' || name === 'transient' || name === 'temporary') return name
  throw invalid('restart_type', term)
}

function parseShutdown(term: Term, least = 0): Shutdown {
  if (typeof term === 'number' && Number.isInteger(term) && term >= least) return term
  const name = term instanceof Atom ? term.name : undefined
  if (name === 'infinity' || name === 'brutal_kill') return name
  throw invalid('shutdown', term)
}

function parseType(term: Term): ChildType {
  if (term === WORKER) return 'worker'
  if (term === SUPERVISOR) return 'supervisor'
  throw invalid('child_type', term)
}

function parseModules(term: Term): readonly Atom[] | Atom {
  if (term === DYNAMIC) return DYNAMIC
  if (Array.isArray(term) && term.every((module) => module instanceof Atom)) return term as Atom[]
  throw invalid('modules', term)
}

function defaultShutdown(type: ChildType): Term {
  return type === 'supervisor' ? INFINITY : DEFAULT_SHUTDOWN_MS
}

function toStart(input: ChildStartInput, moduleOf: (server: ServerClass) => Atom): ChildStart {
  const [first, second, args] = input
  if (typeof first === 'function') {
    // Without an argument `init` gets undefined, not nil.
    const own = input.length === 1 ? [] : [second as Term]
    return { module: moduleOf(first), function: START_LINK, args: own }
  }
  return { module: toAtom(first), function: toAtom(second as Atom | string), args: (args ?? []) as Term[] }
}

function toAtom(name: Atom | string): Atom {
  return typeof name === 'string' ? atom(name) : name
}

function invalid(what: string, term: Term): SupervisorError {
  const reason = tuple(atom(`invalid_${what}`), term) as Term
  return new SupervisorError('ERR_SUPERVISOR_BAD_SPEC', 'the child specification cannot be used', reason)
}

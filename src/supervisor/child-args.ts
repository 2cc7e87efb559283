/**
 * Children of a DistributedSupervisor as they are written here and as they go over the wire (design.md, section 5):
 * the arguments of the start function are one keyword list, and the name is a via tuple among its options.
 *
 *   {Mod, :start_link, [[name: {:via, DistributedSupervisor.Registry, {supervisor, child}}, start: 5]]}
 */
import {
  type Atom,
  Atom as AtomClass,
  atom,
  decode,
  type Encodable,
  EXACT,
  encode,
  fromKeyword,
  type Term,
  toKeyword,
} from '../etf/index.ts'
import type { ServerClass, ServerName } from '../runtime/index.ts'
import {
  type ChildSpec,
  type ChildSpecOptions,
  type ChildType,
  type Restart,
  type Shutdown,
  toChildSpec,
} from './child-spec.ts'
import { SupervisorError } from './errors.ts'
import { parseVia, toModuleName, viaTuple } from './names.ts'
import type { Handoff } from './peer-messages.ts'

/** The options of a child. The first six are for the supervisor, all others go to `init`. */
export interface ChildOptions {
  /** Any term; default: a fresh reference. */
  readonly name?: Encodable
  readonly restart?: Restart
  readonly shutdown?: Shutdown
  readonly type?: ChildType
  readonly modules?: readonly Atom[] | Atom
  readonly significant?: boolean
  readonly [option: string]: unknown
}

/** A class that runs here, or an Elixir module that runs somewhere. */
export type ChildModule = ServerClass | Atom | string

/**
 * What `startChild` takes: a module, a module and its options, or a specification with options or, for modules that are
 * not started with options, a list of arguments.
 *
 * @example
 * const children: DistributedChild[] = [
 *   Counter,
 *   [Counter, { name: alias('MGS'), start: 5 }],
 *   ['MyApp.Worker', { name: 'w1', restart: 'transient' }],
 *   { start: [Counter, { name: 'c' }], shutdown: 'brutal_kill' },
 *   { start: ['MyApp.Worker', 'start_link', ['an argument']] },
 * ]
 */
export type DistributedChild =
  | ChildModule
  | readonly [module: ChildModule, options?: ChildOptions]
  | (ChildSpecOptions & {
      readonly start:
        | readonly [module: ChildModule, options?: ChildOptions]
        | readonly [module: Atom | string, fun: Atom | string, options: ChildOptions | readonly Encodable[]]
    })

/** A child ready to be started. */
export interface NamedChild {
  readonly name: Term
  readonly spec: ChildSpec
}

const START_LINK = atom('start_link')

/** What needs to be known to make a specification. */
export interface ChildContext {
  readonly supervisor: Atom
  moduleOf(server: ServerClass): Atom
  freshName(): Term
}

/** @throws SupervisorError `ERR_SUPERVISOR_BAD_SPEC`. EncodeError for a name that is no term. */
export function toNamedChild(input: DistributedChild, context: ChildContext): NamedChild {
  const { start, given } = startOf(input)
  const [first, second, third] = start
  const module =
    typeof first === 'function'
      ? context.moduleOf(first as ServerClass)
      : toModuleName(first as Atom | string)
  const isMfa = typeof second === 'string' || second instanceof AtomClass
  const fun = isMfa ? toAtom(second) : START_LINK
  const options = (isMfa ? third : second) ?? {}
  if (Array.isArray(options)) {
    // Arguments without options: the name is nobody's business but the supervisor's, as with the hex package.
    return { name: context.freshName(), spec: complete(module, fun, options as Term[], given) }
  }
  const { name, restart, shutdown, type, modules, significant, ...rest } = options as ChildOptions
  const child = name === undefined ? context.freshName() : childName(name, context.supervisor)
  const keyword = toKeyword({ name: viaTuple(context.supervisor, child), ...rest } as Record<
    string,
    Encodable
  >)
  const wanted = definedOf({ restart, shutdown, type, modules, significant })
  return { name: child, spec: complete(module, fun, [keyword as Term], { id: child, ...given, ...wanted }) }
}

/** The child that a specification names, if it names one of this supervisor. */
export function childNameOf(spec: ChildSpec, supervisor: Atom): { readonly name: Term } | undefined {
  const options = optionsOf(spec)
  const via = parseVia(options?.['name'])
  return via !== undefined && via.supervisor === supervisor ? { name: via.child } : undefined
}

/**
 * What `init` gets: the options without the name, or the arguments as they are.
 *
 * @param handoff what an instance that moved here left; only options have a place for it
 * @param received makes of a value what a class gets
 */
export function initArgument(
  spec: ChildSpec,
  handoff?: Handoff,
  received: (value: unknown) => unknown = (value) => value,
): unknown {
  const options = optionsOf(spec)
  if (options === undefined) {
    const args = spec.start.args.map(received)
    return args.length > 1 ? args : args[0]
  }
  const { name: _, ...given } = options
  const rest = Object.fromEntries(Object.entries(given).map(([key, value]) => [key, received(value)]))
  return handoff === undefined ? rest : { ...rest, handoff: received(handoff.state) }
}

/** A name that is no child's: a registered one. */
export function ordinaryName(spec: ChildSpec): ServerName | undefined {
  const name = optionsOf(spec)?.['name']
  return name instanceof AtomClass ? name : undefined
}

function optionsOf(spec: ChildSpec): Record<string, Term> | undefined {
  const { args } = spec.start
  return args.length === 1 ? fromKeyword(args[0] as Term) : undefined
}

function startOf(input: DistributedChild): { start: readonly unknown[]; given: ChildSpecOptions } {
  if (typeof input === 'function' || typeof input === 'string' || input instanceof AtomClass) {
    return { start: [input], given: {} }
  }
  if (Array.isArray(input)) return { start: input, given: {} }
  const { start, ...given } = input as Exclude<DistributedChild, ChildModule | readonly unknown[]>
  if (Array.isArray(start)) return { start, given }
  throw new SupervisorError(
    'ERR_SUPERVISOR_BAD_SPEC',
    'a child needs a module to start: pass a class, a module name or { start: [...] }',
    atom('invalid_child_spec'),
  )
}

function complete(module: Atom, fun: Atom, args: readonly Term[], options: ChildSpecOptions): ChildSpec {
  return toChildSpec({ ...options, start: [module, fun, args as readonly Encodable[]] })
}

function definedOf<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>
}

/** A via tuple of this supervisor means the child in it. */
function childName(name: Encodable, supervisor: Atom): Term {
  const term = typeof name === 'object' && name !== null ? decode(encode(name), EXACT) : (name as Term)
  const via = parseVia(term)
  return via !== undefined && via.supervisor === supervisor ? via.child : term
}

function toAtom(name: Atom | string): Atom {
  return typeof name === 'string' ? atom(name) : name
}

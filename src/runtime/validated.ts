/**
 * Handlers whose arguments are validated before they run, by a schema each.
 *
 * A caller whose arguments are refused gets the reply `{:error, {:invalid_message, issues}}`, each issue a map with
 * `message` and `path`, whose first element is the number of the argument, from 0; the typed methods of a reference
 * reject with `InvalidMessageError`. Casts and other messages that are refused are logged and dropped. The server goes
 * on in every case.
 */
import { type Atom, atom, type Encodable, type Term, Tuple, tuple } from '../etf/index.ts'
import { ERROR } from './atoms.ts'
import { InvalidMessageError, type Issue } from './errors.ts'
import type { HandlerThis } from './handler-this.ts'
import { isThenable } from './server-start.ts'
import type {
  SchemaInputs,
  SchemaIssue,
  SchemaOutputs,
  SchemaResult,
  StandardSchema,
} from './standard-schema.ts'

/** Tells handlers with schemas from others, for the types of their answers. */
declare const VALIDATED: unique symbol

/** A handler with schemas. */
export interface ValidatedMark {
  readonly [VALIDATED]: true
}

/** What a caller gets whose arguments were refused. */
export type InvalidMessage = Tuple<[Atom<'error'>, Tuple<[Atom<'invalid_message'>, Term[]]>]>

const INVALID_MESSAGE = atom('invalid_message')
const MESSAGE = atom('message')
const PATH = atom('path')

const schemasByHandler = new WeakMap<object, readonly StandardSchema[]>()

/** The schemas of a handler that `validated` made. */
export function schemasOf(handler: object): readonly StandardSchema[] | undefined {
  return schemasByHandler.get(handler)
}

/**
 * A handler for `defineServer` whose arguments are validated first, by schemas of any library that follows the Standard
 * Schema specification: zod, valibot, arktype and others. The handler gets what the schemas make of them.
 *
 * The type of the state has to be written down: it does not get through to here.
 *
 * @param schemas one for each argument; optional ones may be missing in a message
 * @example
 * const positive: StandardSchema<number> = {
 *   '~standard': {
 *     version: 1,
 *     vendor: 'example', // z.number().positive() is such a schema
 *     validate: (value) => (Number(value) > 0 ? { value: Number(value) } : { issues: [{ message: 'must be positive' }] }),
 *   },
 * }
 * const Account = defineServer({
 *   init: () => 0,
 *   calls: { deposit: validated([positive], (balance: number, amount) => reply(balance + amount, balance + amount)) },
 * })
 * const account = Account.ref(node, await node.startLink(Account))
 * await account.call.deposit(5) // 5
 * await account.call.deposit(-5).catch((error) => error.issues) // [{ message: 'must be positive', path: [0] }]
 */
export function validated<S, const Schemas extends readonly StandardSchema[], R>(
  schemas: Schemas,
  handler: (this: HandlerThis, state: S, ...args: SchemaOutputs<Schemas>) => R,
): ((this: HandlerThis, state: S, ...args: SchemaInputs<Schemas>) => R) & ValidatedMark {
  const own = function (this: HandlerThis, state: S, ...args: SchemaOutputs<Schemas>): R {
    return handler.call(this, state, ...args)
  }
  schemasByHandler.set(own, schemas)
  return own as never
}

export type Validation =
  | { readonly ok: true; readonly args: unknown[] }
  | { readonly ok: false; readonly issues: readonly Issue[] }

/** A promise only when a schema gives one. A schema that throws is a failure of the server, as any code of its own. */
export function validate(
  schemas: readonly StandardSchema[],
  args: readonly unknown[],
): Validation | Promise<Validation> {
  if (args.length > schemas.length) {
    const message = `expected ${schemas.length} arguments, got ${args.length}`
    return { ok: false, issues: [{ message, path: [schemas.length] }] }
  }
  const results = schemas.map((schema, index) => schema['~standard'].validate(args[index]))
  if (results.some(isThenable)) return Promise.all(results).then(gather)
  return gather(results as SchemaResult<unknown>[])
}

function gather(results: readonly SchemaResult<unknown>[]): Validation {
  const issues = results.flatMap(
    (result, index) => result.issues?.map((issue) => issueOf(issue, index)) ?? [],
  )
  if (issues.length > 0) return { ok: false, issues }
  return { ok: true, args: results.map((result) => (result as { readonly value: unknown }).value) }
}

function issueOf({ message, path = [] }: SchemaIssue, argument: number): Issue {
  // Not `map`: the arrays of some libraries are of classes of their own, and so would be the result.
  const keys = Array.from(path, (segment) => {
    const key = typeof segment === 'object' ? segment.key : segment
    return typeof key === 'number' ? key : String(key)
  })
  return { message, path: [argument, ...keys] }
}

/** `{:error, {:invalid_message, [%{message: ..., path: [...]}]}}` */
export function invalidMessage(issues: readonly Issue[]): Encodable {
  const terms = issues.map(({ message, path }) => ({
    message: message.replace(/\p{Surrogate}/gu, '\ufffd'),
    path: path.map((key) => (typeof key === 'string' ? key.replace(/\p{Surrogate}/gu, '\ufffd') : key)),
  }))
  return tuple(ERROR, tuple(INVALID_MESSAGE, terms))
}

/** The error in such a reply; undefined for any other. */
export function invalidMessageError(reply: Term, message: string): InvalidMessageError | undefined {
  if (!(reply instanceof Tuple) || reply.length !== 2 || reply[0] !== ERROR) return undefined
  const inner = reply[1]
  if (!(inner instanceof Tuple) || inner.length !== 2 || inner[0] !== INVALID_MESSAGE) return undefined
  const issues = Array.isArray(inner[1]) ? inner[1].map((issue) => issueIn(issue as Term)) : []
  return new InvalidMessageError(message, issues)
}

/** On this node the issue is the object as it was made, of another node it is a map. */
function issueIn(term: Term): Issue {
  if (term instanceof Map) return { message: String(term.get(MESSAGE)), path: pathOf(term.get(PATH)) }
  const { message, path } = term as unknown as Issue
  return { message, path }
}

function pathOf(path: Term | undefined): (string | number)[] {
  return Array.isArray(path) ? path.map((key) => (typeof key === 'number' ? key : String(key))) : []
}

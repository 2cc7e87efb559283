/**
 * What the adapter `Phoenix.PubSub.PG2` sends between nodes (versions 2.0 to 2.2), and how its processes are called. Pure.
 *
 *   {forward_to_local, Topic, Message, Dispatcher}
 *
 * Each node has as many workers as the pool is large. They are registered under the names of their groups, and each is in
 * its group in the `pg` scope `Phoenix.PubSub`. A sender always uses the same group, so its messages keep their order.
 *
 *   2.0, and 2.1.1 and later     Adapter, Adapter_2, Adapter_3 ...
 *   2.1.0 alone                  Adapter_1, Adapter_2, Adapter_3 ...
 */
import { Atom, alias, atom, type Encodable, type Term, Tuple, tuple } from '../etf/index.ts'

export const PG_SCOPE = alias('Phoenix.PubSub')
/** The default dispatcher is the module itself. */
export const DEFAULT_DISPATCHER: Atom = alias('Phoenix.PubSub')

const FORWARD_TO_LOCAL = atom('forward_to_local')
const ELIXIR = 'Elixir.'

export interface Forwarded {
  readonly topic: string
  readonly message: Term
  readonly dispatcher: Atom
}

/** A capitalised text is an Elixir module, any other an atom as it is. */
export function pubSubName(name: Atom | string): Atom {
  if (name instanceof Atom) return name
  return /^\p{Lu}/u.test(name) && !name.startsWith(ELIXIR) ? alias(name) : atom(name)
}

/** `Module.concat(name, "Adapter")` */
function adapterName(name: Atom): string {
  const plain = name.name.startsWith(ELIXIR) ? name.name.slice(ELIXIR.length) : name.name
  return `${ELIXIR}${plain}.Adapter`
}

export interface Group {
  readonly group: Atom
  /** What 2.1.0 calls it, when that is another name. */
  readonly other: Atom | undefined
}

/** The groups of the pool, the first with the name that it has in 2.1.0 as well. */
export function groupNames(name: Atom, poolSize: number): Group[] {
  const adapter = adapterName(name)
  return Array.from({ length: poolSize }, (_, index) =>
    index === 0
      ? { group: atom(adapter), other: atom(`${adapter}_1`) }
      : { group: atom(`${adapter}_${index + 1}`), other: undefined },
  )
}

export function encodeForward(topic: string, message: Encodable, dispatcher: Atom): Encodable {
  return tuple(FORWARD_TO_LOCAL, topic, message, dispatcher)
}

/** Undefined for anything else, which the adapter ignores. */
export function decodeForward(term: Term): Forwarded | undefined {
  if (!(term instanceof Tuple) || term.length !== 4 || term[0] !== FORWARD_TO_LOCAL) return undefined
  const [, topic, message, dispatcher] = term as unknown as [Term, Term, Term, Term]
  if (!(dispatcher instanceof Atom)) return undefined
  if (typeof topic === 'string') return { topic, message, dispatcher }
  // With the codec option `binaries: 'buffer'` topics are bytes, as every binary.
  return topic instanceof Uint8Array
    ? { topic: new TextDecoder().decode(topic), message, dispatcher }
    : undefined
}

/**
 * What the registries of TypeScript nodes tell each other, as casts to `{n.Registry, node}`. Only nodes that declared
 * themselves get them: the registry of the hex package crashes on what it does not know.
 *
 *   {'$beamjoin_children', Node, [{Name, Spec}]}   Node starts, or runs, these children; before they join the scope
 *   {'$beamjoin_gone', Node, Name}                 it ended for good: nobody is to start it again
 */
import { Atom, atom, type Term, Tuple, tuple } from '../etf/index.ts'
import { type ChildSpec, childSpecToMap, parseChildSpec } from './child-spec.ts'
import { SupervisorError } from './errors.ts'

export type PeerMessage =
  | {
      readonly type: 'children'
      readonly node: Atom
      readonly children: readonly (readonly [Term, ChildSpec])[]
    }
  | { readonly type: 'gone'; readonly node: Atom; readonly name: Term }

const CHILDREN = atom('$beamjoin_children')
const GONE = atom('$beamjoin_gone')

export function encodeChildren(node: Atom, children: readonly (readonly [Term, ChildSpec])[]): Term {
  const pairs = children.map(([name, spec]) => tuple(name, childSpecToMap(spec)))
  return tuple(CHILDREN, node, pairs) as Term
}

export function encodeGone(node: Atom, name: Term): Term {
  return tuple(GONE, node, name) as Term
}

/** Undefined when it is none of these. */
export function parsePeerMessage(message: Term): PeerMessage | undefined {
  if (!(message instanceof Tuple) || message.length !== 3) return undefined
  const [tag, node, content] = message as Tuple<[Term, Term, Term]>
  if (!(node instanceof Atom)) return undefined
  if (tag === GONE) return { type: 'gone', node, name: content }
  if (tag !== CHILDREN || !Array.isArray(content)) return undefined
  const children: [Term, ChildSpec][] = []
  for (const pair of content as Term[]) {
    const child = readChild(pair)
    if (child === undefined) return undefined
    children.push(child)
  }
  return { type: 'children', node, children }
}

function readChild(pair: Term): [Term, ChildSpec] | undefined {
  if (!(pair instanceof Tuple) || pair.length !== 2) return undefined
  try {
    return [pair[0] as Term, parseChildSpec(pair[1] as Term)]
  } catch (error) {
    if (error instanceof SupervisorError) return undefined
    throw error
  }
}

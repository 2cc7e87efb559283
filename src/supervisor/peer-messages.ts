/**
 * What the registries of nodes that declared themselves tell and ask each other, to `{n.Registry, node}`. Others get
 * none of it: the registry of the hex package crashes on what it does not know.
 *
 *   cast {'$beamjoin_children', Node, [{Name, Spec}]}   Node starts, or runs, these children; before they join the scope
 *   cast {'$beamjoin_gone', Node, Name}                 it ended for good: nobody is to start it again
 *   call {'$beamjoin_start_child', Spec, Hops}          a start that was passed on so often, 1 for the first time
 *   call {'$beamjoin_hand_over', Spec, Handoff}         a child that another node has just ended, to go on here
 *   call {'$beamjoin_keeps', Name, [Kept | Others]}     of these owners of a name, would you keep the first, one of yours?
 *
 * Both calls with a specification answer as `DynamicSupervisor.start_child/2`. `Handoff` is `none`, or `{state, Term}` for
 * the new instance.
 */
import { Atom, atom, type Encodable, Pid, type Term, Tuple, tuple } from '../etf/index.ts'
import { type ChildSpec, childSpecToMap, parseChildSpec } from './child-spec.ts'
import { SupervisorError } from './errors.ts'

export type PeerMessage =
  | {
      readonly type: 'children'
      readonly node: Atom
      readonly children: readonly (readonly [Term, ChildSpec])[]
    }
  | { readonly type: 'gone'; readonly node: Atom; readonly name: Term }

/** What a child that ended to go on elsewhere leaves to the new instance; undefined: nothing. */
export type Handoff = { readonly state: unknown } | undefined

export type PeerRequest =
  | { readonly type: 'startChild'; readonly spec: Term; readonly hops: number }
  | { readonly type: 'handOver'; readonly spec: Term; readonly handoff: Handoff }

/** Whether the node of `kept` lets it stay. */
export interface KeepsQuestion {
  readonly name: Term
  readonly kept: Pid
  readonly others: readonly Pid[]
}

const START_CHILD = atom('$beamjoin_start_child')
const HAND_OVER = atom('$beamjoin_hand_over')
const KEEPS = atom('$beamjoin_keeps')
const NONE = atom('none')
const STATE = atom('state')
const CHILDREN = atom('$beamjoin_children')
const GONE = atom('$beamjoin_gone')

export function encodeChildren(node: Atom, children: readonly (readonly [Term, ChildSpec])[]): Term {
  const pairs = children.map(([name, spec]) => tuple(name, childSpecToMap(spec)))
  return tuple(CHILDREN, node, pairs) as Term
}

export function encodeGone(node: Atom, name: Term): Term {
  return tuple(GONE, node, name) as Term
}

export function encodeStartChild(spec: ChildSpec, hops: number): Term {
  return tuple(START_CHILD, childSpecToMap(spec), hops) as Term
}

export function encodeHandOver(spec: ChildSpec, handoff: Handoff): Term {
  const given = handoff === undefined ? NONE : tuple(STATE, handoff.state as Encodable)
  return tuple(HAND_OVER, childSpecToMap(spec), given) as Term
}

export function encodeKeeps({ name, kept, others }: KeepsQuestion): Term {
  return tuple(KEEPS, name, [kept, ...others]) as Term
}

/** Undefined when it is something else. */
export function parseKeeps(request: Term): KeepsQuestion | undefined {
  if (!(request instanceof Tuple) || request.length !== 3 || request[0] !== KEEPS) return undefined
  const [, name, owners] = request as Tuple<[Term, Term, Term]>
  if (!Array.isArray(owners) || !owners.every((pid) => pid instanceof Pid)) return undefined
  const [kept, ...others] = owners as Pid[]
  return kept && { name, kept, others }
}

/** Undefined when it is neither. */
export function parsePeerRequest(request: Term): PeerRequest | undefined {
  if (!(request instanceof Tuple) || request.length !== 3) return undefined
  const [tag, spec, content] = request as Tuple<[Term, Term, Term]>
  if (tag === START_CHILD && typeof content === 'number') return { type: 'startChild', spec, hops: content }
  if (tag !== HAND_OVER) return undefined
  if (content === NONE) return { type: 'handOver', spec, handoff: undefined }
  if (!(content instanceof Tuple) || content.length !== 2 || content[0] !== STATE) return undefined
  return { type: 'handOver', spec, handoff: { state: content[1] } }
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
    // The others are not to be lost with it.
    if (child !== undefined) children.push(child)
  }
  return { type: 'children', node, children }
}

function readChild(pair: Term): [Term, ChildSpec] | undefined {
  if (!(pair instanceof Tuple) || pair.length !== 2) return undefined
  try {
    return [pair[0] as Term, parseChildSpec(pair[1] as Term, 0)]
  } catch (error) {
    if (error instanceof SupervisorError) return undefined
    throw error
  }
}

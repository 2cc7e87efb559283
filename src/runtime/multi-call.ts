/** One request to the servers of one name on several nodes: `gen_server:multi_call` and `abcast`. */
import type { Atom, Encodable, Term } from '../etf/index.ts'
import type { CallOptions } from './calls.ts'
import { type Destination, toAtom } from './destination.ts'
import { CallError } from './errors.ts'

/** Who answered what, and on which nodes nobody did: no such server, no answer in time, or a node out of reach. */
export interface MultiCallResult {
  readonly replies: readonly (readonly [node: Atom, reply: Term])[]
  readonly badNodes: readonly Atom[]
}

interface Caller {
  call(to: Destination, request: Encodable, options?: CallOptions): Promise<Term>
  cast(to: Destination, request: Encodable): void
}

/** Rejects only with what is wrong with the request, or the reason of the signal. */
export async function multiCall(
  caller: Caller,
  nodes: readonly (Atom | string)[],
  name: Atom | string,
  request: Encodable,
  options: CallOptions = {},
): Promise<MultiCallResult> {
  const replies: [Atom, Term][] = []
  const badNodes: Atom[] = []
  const names = nodes.map(toAtom)
  const calls = names.map((node) =>
    caller.call([name, node], request, { timeout: 'infinity', ...options }).catch((error: unknown) => {
      if (error instanceof CallError) return error
      throw error
    }),
  )
  const answers = await Promise.all(calls)
  answers.forEach((answer, index) => {
    const node = names[index] as Atom
    if (answer instanceof CallError) badNodes.push(node)
    else replies.push([node, answer])
  })
  return { replies, badNodes }
}

export function abcast(
  caller: Caller,
  nodes: readonly (Atom | string)[],
  name: Atom | string,
  request: Encodable,
): void {
  for (const node of nodes) caller.cast([name, node], request)
}

/** The few functions that every node answers by default, because tools and the peer libraries ask every node. */
import { type Atom, Atom as AtomClass, atom, Pid, type Term } from '../etf/index.ts'
import type { Runtime } from '../runtime/index.ts'
import type { FunctionTable } from './exposed.ts'

/** What the default functions tell about. */
export interface DescribedNode {
  readonly name: Atom
  readonly runtime: Runtime
  nodes(kind?: 'visible' | 'hidden' | 'all'): Atom[]
}

const HIDDEN = atom('hidden')
const CONNECTED = atom('connected')
const UNDEFINED = atom('undefined')

/** Adds `Process.alive?/1`, and `node/0`, `nodes/0,1`, `whereis/1`, `registered/0`, `processes/0` and `is_process_alive/1` of `:erlang`. */
export function exposeDefaults(functions: FunctionTable, node: DescribedNode): void {
  const { runtime } = node
  const isAlive = (pid?: Term): boolean => pid instanceof Pid && runtime.isAlive(pid)
  functions.expose('Elixir.Process', { 'alive?': isAlive })
  functions.expose('erlang', {
    is_process_alive: isAlive,
    node: () => node.name,
    nodes: (kind?: Term) => node.nodes(kind === HIDDEN ? 'hidden' : kind === CONNECTED ? 'all' : 'visible'),
    whereis: (name?: Term) => (name instanceof AtomClass && runtime.whereis(name)) || UNDEFINED,
    registered: () => runtime.registered(),
    processes: () => runtime.processes(),
  })
}

/** What tools and remote shells ask before anything else: which modules there are, and how the node is set up. */
import { Atom, atom, tuple } from '../../etf/index.ts'
import type { FunctionTable } from '../rpc/exposed.ts'
import type { DescribedNode } from './described-node.ts'
import { systemInfo } from './system-info.ts'
import { badarg } from './terms.ts'

const ERROR = atom('error')
const MODULE = atom('module')
const NOFILE = atom('nofile')
const MS_PER_S = 1000

export function exposeBeforeShell(functions: FunctionTable, node: DescribedNode): void {
  const expose = functions.exposeByDefault.bind(functions)
  expose('code', {
    'ensure_loaded/1': (module) => {
      if (!(module instanceof Atom)) return badarg()
      return functions.hasModule(module) ? tuple(MODULE, module) : tuple(ERROR, NOFILE)
    },
  })
  expose('net_kernel', { 'get_net_ticktime/0': () => Math.round(node.tickTime / MS_PER_S) })
  expose('application', { 'get_env/3': (_application, _key, otherwise) => otherwise })
  expose('erlang', { 'system_info/1': (item) => systemInfo(node, item) })
}

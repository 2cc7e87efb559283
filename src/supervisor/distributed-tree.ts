/**
 * The process of a DistributedSupervisor as something that is started, and started again: with the options, out of which
 * it makes its parts. Who has a handle finds the parts of now by node and name.
 */
import type { Atom } from '../etf/index.ts'
import { DistributedNode } from './distributed-node.ts'
import type { ResolvedSupervisorOptions } from './distributed-options.ts'
import type { SupervisorHost } from './host.ts'
import { SupervisionTree, type Tree } from './supervision-tree.ts'
import { exposeSupervisorFunctions } from './wire-functions.ts'

export interface DistributedTreeArguments {
  readonly host: SupervisorHost
  readonly options: ResolvedSupervisorOptions
}

const RUNNING = new WeakMap<SupervisorHost, Map<Atom, DistributedNode>>()

/** What runs under a name on a node of this program, or ran last. */
export function partsOf(host: SupervisorHost, name: Atom): DistributedNode | undefined {
  return RUNNING.get(host)?.get(name)
}

export class DistributedTree extends SupervisionTree {
  override async init(given: unknown): Promise<Tree> {
    const { host, options } = given as DistributedTreeArguments
    const parts = new DistributedNode(host, options)
    // Also when it is killed, and `terminate` does not run.
    host.runtime.monitor(this.pid, () => parts.gone())
    const tree = await super.init(parts)
    let running = RUNNING.get(host)
    if (running === undefined) {
      running = new Map()
      RUNNING.set(host, running)
    }
    running.set(options.name, parts)
    parts.tree = this.pid
    exposeSupervisorFunctions(host.rpc, host.runtime, (supervisor) => {
      const found = [...running.values()].find(({ names }) => names.dynamicSupervisor === supervisor)
      return found?.ends
    })
    return tree
  }
}

/** Layer 5: supervisors. Published as `beamjoin/supervisor`. */

export type { ChildModule, ChildOptions, DistributedChild } from './child-args.ts'
export type { ChildPlan, ModuleResolver } from './child-plan.ts'
export {
  type ChildSpec,
  type ChildSpecInput,
  type ChildSpecOptions,
  type ChildStart,
  type ChildStartInput,
  type ChildType,
  childSpecToMap,
  childSpecToTuple,
  parseChildSpec,
  type Restart,
  type Shutdown,
  toChildSpec,
} from './child-spec.ts'
export type { ChildCounts } from './children.ts'
export type { DistributedSupervisorOptions } from './distributed-options.ts'
export { type ChildDetails, DistributedSupervisor, type StartedChild } from './distributed-supervisor.ts'
export type { DrainedChild, DrainOptions, DrainResult } from './drain.ts'
export { DynamicSupervisor, type DynamicSupervisorOptions } from './dynamic-supervisor.ts'
export { DynamicSupervisorServer } from './dynamic-supervisor-server.ts'
export { SupervisorError } from './errors.ts'
export { type AtomKeys, HashRing } from './hash-ring.ts'
export type { GroupScope, NodeInfo, RemoteCalls, ScopeEvent, SupervisorHost } from './host.ts'
export type { IntensityLimits } from './intensity.ts'
export type { ListenerEntry, SupervisorListener } from './listeners.ts'
export type { ChildVia } from './names.ts'
export type { RebalanceOptions } from './rebalance.ts'
export type { Strategy } from './supervised-children.ts'
export { Supervisor, type SupervisorOptions } from './supervisor.ts'
export type { ChildRow, SupervisorCaller, SupervisorParent } from './supervisor-handle.ts'
export type { AutoShutdown } from './supervisor-spec.ts'
export { type ThreadPoolOptions, threadPool } from './thread-pool.ts'
export { exposeSupervisorFunctions } from './wire-functions.ts'

/** Layer 5: supervisors. Published as `beamjoin/supervisor`. */

export type { ChildModule, ChildOptions, DistributedChild } from './child-args.ts'
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
export type { Child, ChildCounts } from './children.ts'
export type { DistributedSupervisorOptions } from './distributed-options.ts'
export { type ChildDetails, DistributedSupervisor, type StartedChild } from './distributed-supervisor.ts'
export { DynamicSupervisor, type DynamicSupervisorOptions } from './dynamic-supervisor.ts'
export { type ChildPlan, DynamicSupervisorServer, type ModuleResolver } from './dynamic-supervisor-server.ts'
export { SupervisorError } from './errors.ts'
export { type AtomKeys, HashRing } from './hash-ring.ts'
export type { GroupScope, NodeInfo, RemoteCalls, ScopeEvent, SupervisorHost } from './host.ts'
export type { IntensityLimits } from './intensity.ts'
export type { ListenerEntry, SupervisorListener } from './listeners.ts'
export type { ChildVia } from './names.ts'
export { exposeSupervisorFunctions } from './wire-functions.ts'

/** Layer 3: a runtime wired to the distribution and to epmd. */
export type { NodeType } from './distribution.ts'
export { NodeError } from './errors.ts'
export { NodeCore, type NodeDownInfo, type NodeEvents, type NodeUpInfo } from './node.ts'
export type { NodeName } from './node-name.ts'
export type { ListenOptions, NodeLimits, NodeOptions } from './options.ts'
export type { EpmdMode } from './registration.ts'
export { epmdResolver, portResolver, type Resolver } from './resolver.ts'

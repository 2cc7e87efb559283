/** Layer 4: the registered processes and services that every node runs. */
export type { LockOptions, TransOptions } from './global/cluster-locks.ts'
export { GlobalError } from './global/errors.ts'
export { Global, type GlobalOptions, type RegisterOptions } from './global/global.ts'
export type { ConflictResolver, ResolveFunction, StandardResolver } from './global/resolvers.ts'
export { exposeDefaults } from './introspection/defaults.ts'
export { type IoDevice, standardOutput } from './io/io-device.ts'
export { IoServer } from './io/io-server.ts'
export { LoggerProxy } from './io/logger-proxy.ts'
export { keepServer } from './keep-server.ts'
export { NetKernel } from './net-kernel.ts'
export { type MonitorNodesOptions, NodeMonitors } from './node-monitors.ts'
export { PgError } from './pg/errors.ts'
export { type PgHost, PgScope } from './pg/scope.ts'
export { type PgListener, PgMonitor } from './pg/watchers.ts'
export { exposeRemoteShell } from './remote-shell/remote-shell.ts'
export { RpcError, type RpcErrorCode } from './rpc/errors.ts'
export {
  type ExposedFunction,
  type ExposedFunctions,
  type FunctionResolver,
  FunctionTable,
} from './rpc/exposed.ts'
export type { AnyModule, RemoteModule } from './rpc/remote-module.ts'
export { Rex } from './rpc/rex.ts'
export { Rpc } from './rpc/rpc.ts'
export { RpcRequests, type RpcResponse } from './rpc/rpc-requests.ts'
export { serveSpawn } from './rpc/spawn-server.ts'

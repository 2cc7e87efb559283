/** Layer 2: processes and servers of one node, as OTP has them. */
export { io, runAs, silently } from './caller-io.ts'
export { type CallOptions, timeoutMs } from './calls.ts'
export { describeExit, exitReason, isOrderlyExit } from './crash.ts'
export {
  type DefinedServer,
  defineServer,
  type ServerDefinition,
} from './define-server.ts'
export type {
  Destination,
  GlobalName,
  NameOnNode,
  NameResolver,
  ServerName,
  ViaName,
  Watchable,
} from './destination.ts'
export {
  CallError,
  type CallFailure,
  ExitError,
  InitError,
  InvalidMessageError,
  type Issue,
  ProcessError,
  SpawnError,
  SysError,
} from './errors.ts'
export { type From, isFrom } from './gen-reply.ts'
export { GenServer } from './gen-server.ts'
export type { HandlerThis } from './handler-this.ts'
export type { RuntimeLimits } from './kernel.ts'
export { MessageTimer } from './message-timer.ts'
export type { DemonitorOptions, MonitorAlias, MonitorOptions } from './monitors.ts'
export type { MultiCallResult } from './multi-call.ts'
export { NodeProcesses, type WatchedProcess } from './node-processes.ts'
export { Process, type ProcessFunction } from './process.ts'
export type { ProcessInfo } from './process-info.ts'
export type { Io } from './process-io.ts'
export type { ReceiveOptions } from './receive.ts'
export type { OpenSpawn, RemoteFunction, RemoteSpawnOptions, SpawnListener } from './remote-spawns.ts'
export { Runtime, type RuntimeOptions } from './runtime.ts'
export {
  type CallResult,
  Ignore,
  type InfoResult,
  type InitResult,
  ignore,
  type MaybePromise,
  type NextOptions,
  NoReply,
  noreply,
  Reply,
  reply,
  type ServerClass,
  Stop,
  stop,
} from './server-callbacks.ts'
export {
  type Caller,
  type RefOf,
  type ServerContract,
  type ServerRef,
  type ServerRequests,
  serverRef,
} from './server-ref.ts'
export type { MonitorTarget, RemoteName, RemoteRouter, SignalSink, SpawnRequest } from './signals.ts'
export type { MonitoredProcess, StartOptions, StartResult } from './spawner.ts'
export type { SchemaIssue, StandardSchema } from './standard-schema.ts'
export { type ServerStatistics, type SysCaller, sys } from './sys.ts'
export { type ThreadOptions, thread } from './threads/thread.ts'
export type { TypedRequest } from './typed-request.ts'
export { type InvalidMessage, validated } from './validated.ts'

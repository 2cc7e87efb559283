/** The package entry: an explicit list of what is public, values and types apart. */
export { BeamNode, type WatchedProcess } from './beam-node.ts'
export type { Clock, Logger, Timer } from './core/index.ts'
export { BeamjoinError, lineLogger, OptionError, silentLogger } from './core/index.ts'
export { DistError } from './dist/index.ts'
export type { EpmdClientOptions, EpmdEntry, EpmdName, EpmdServerOptions } from './epmd/index.ts'
export { EpmdClient, EpmdError, EpmdServer } from './epmd/index.ts'
export type { CodecOptions, Encodable, Term } from './etf/index.ts'
export {
  Atom,
  alias,
  atom,
  BitString,
  compareTerms,
  DecodeError,
  decode,
  defineStruct,
  EncodeError,
  ExportFun,
  encode,
  Float,
  Fun,
  float,
  ImproperList,
  inspect,
  ParseError,
  Pid,
  Port,
  parseTerm,
  phash2,
  Reference,
  TermMap,
  TermSet,
  Tuple,
  termEquals,
  tuple,
} from './etf/index.ts'
export type { Network, TlsClientOptions, TlsOptions, TlsServerOptions, Transport } from './net/index.ts'
export { MemoryNetwork, NetError, TcpNetwork, TlsNetwork } from './net/index.ts'
export type {
  EpmdMode,
  ListenOptions,
  NodeDownInfo,
  NodeEvents,
  NodeLimits,
  NodeName,
  NodeOptions,
  NodeType,
  NodeUpInfo,
  Resolver,
} from './node/index.ts'
export { NodeError, portResolver } from './node/index.ts'
export type { Program } from './program.ts'
export type {
  CallOptions,
  CallResult,
  DefinedServer,
  Destination,
  From,
  InfoResult,
  InitResult,
  Io,
  MessageTimer,
  MonitoredProcess,
  MultiCallResult,
  NextOptions,
  ProcessFunction,
  ServerClass,
  ServerName,
  ServerStatistics,
  StartOptions,
  SysCaller,
  ThreadOptions,
  Watchable,
} from './runtime/index.ts'
export {
  CallError,
  defineServer,
  ExitError,
  GenServer,
  InitError,
  ignore,
  io,
  noreply,
  Process,
  ProcessError,
  reply,
  SpawnError,
  SysError,
  stop,
  sys,
  thread,
} from './runtime/index.ts'
export type {
  AnyModule,
  ConflictResolver,
  ExposedFunction,
  ExposedFunctions,
  FunctionResolver,
  IoDevice,
  LockOptions,
  MonitorNodesOptions,
  RegisterOptions,
  RemoteModule,
  ResolveFunction,
  RpcErrorCode,
  RpcResponse,
  StandardResolver,
  TransOptions,
} from './services/index.ts'
export {
  Global,
  GlobalError,
  PgError,
  PgMonitor,
  PgScope,
  Rpc,
  RpcError,
  RpcRequests,
} from './services/index.ts'
export { type RemoteShellOptions, type StartNodeOptions, startNode } from './start.ts'
export type {
  AutoShutdown,
  ChildCounts,
  ChildDetails,
  ChildRow,
  ChildSpec,
  ChildSpecInput,
  ChildSpecOptions,
  ChildVia,
  DistributedChild,
  DistributedSupervisorOptions,
  DynamicSupervisorOptions,
  StartedChild,
  Strategy,
  SupervisorCaller,
  SupervisorListener,
  SupervisorOptions,
  SupervisorParent,
  ThreadPoolOptions,
} from './supervisor/index.ts'
export {
  DistributedSupervisor,
  DynamicSupervisor,
  Supervisor,
  SupervisorError,
  threadPool,
} from './supervisor/index.ts'

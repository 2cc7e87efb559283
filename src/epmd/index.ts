/** Layer 2: epmd, client and server. Also the package subpath `beamjoin/epmd`. */
export {
  EpmdClient,
  type EpmdClientOptions,
  type EpmdName,
  EpmdRegistration,
  type RegisterOptions,
} from './client.ts'
export { EpmdError, type EpmdErrorCode } from './errors.ts'
export { DEFAULT_EPMD_PORT, type EpmdEntry, NODE_TYPE_HIDDEN, NODE_TYPE_VISIBLE } from './protocol.ts'
export { EpmdServer, type EpmdServerOptions } from './server.ts'

/** Layer 1: the seam to the network. Everything above sees `Network` and `Transport`, never a socket. */
export { formatEndpoint, isLoopbackAddress } from './address.ts'
export { NetError, type NetErrorCode, type NetOperation } from './errors.ts'
export { MemoryNetwork, type MemoryOptions } from './memory.ts'
export { TcpNetwork, type TcpOptions } from './tcp.ts'
export { TlsNetwork, type TlsNetworkOptions } from './tls.ts'
export type { TlsClientOptions, TlsOptions, TlsRoleOptions, TlsServerOptions } from './tls-options.ts'
export type { ConnectOptions, Endpoint, Listener, Network, Transport, TransportHandler } from './transport.ts'

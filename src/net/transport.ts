/** What happens on a transport, each called on the event loop, never from inside a call into it. */
export interface TransportHandler {
  /** Bytes arrived. */
  onData(bytes: Uint8Array): void
  /**
   * Called in place of `onData` where it is there: the first `length` bytes of this memory arrived. They are lent, and
   * written over when it returns; bytes that may be kept cost a copy.
   */
  onLent?(memory: Uint8Array, length: number): void
  /** `write` returned false earlier; there is room again. */
  onDrain(): void
  /** The transport is gone, for good; called exactly once. `error` is absent after an orderly end. */
  onClose(error?: Error): void
}

/** One established byte stream: TCP, TLS, or a pair in memory. Nothing above `net` sees a socket. */
export interface Transport {
  /** The peer, printable: `127.0.0.1:4369`. */
  readonly remote: string
  /** Our own address of this stream, without the port. */
  readonly localAddress: string
  /** The peer's address, without the port. */
  readonly remoteAddress: string
  /** Bytes accepted by `write` that the peer's kernel has not taken yet. */
  readonly bufferedBytes: number
  /** Changes when the peer's kernel takes some of them, also in the middle of one write. */
  readonly progress: number
  /** Must be set in the same turn in which the transport is obtained; data that is waiting follows then. */
  handler: TransportHandler | undefined
  /** Queues bytes, which must not be changed while `bufferedBytes` is above 0. False: over the high-water mark, await `onDrain`. */
  write(bytes: Uint8Array): boolean
  /**
   * Gives the kernel what it takes at once of these pieces, which may be changed afterwards: the rest, if any, has to be
   * written next. To be called while `bufferedBytes` is 0 and nothing is corked. Absent where it cannot.
   *
   * @returns how many bytes it took
   */
  readonly tryWrite?: (pieces: readonly Uint8Array[]) => number
  /** What is written before `uncork` leaves with one call of the system. Absent where that makes no difference. */
  cork?(): void
  uncork?(): void
  pause(): void
  resume(): void
  /** Reads nothing for about a millisecond, so that the next read takes what arrives meanwhile. Absent where it cannot. */
  rest?(): void
  /**
   * While the event loop stands still, another thread writes `bytes` (four) every `every` milliseconds, for `limit`
   * milliseconds at most: always between two writes, never within one. Absent where nobody can do that.
   */
  writeWhenFrozen?(bytes: Uint8Array, every: number, limit: number): void
  /** Sends what is queued, then closes. */
  end(): void
  /** Closes at once and drops what is queued here; what the kernel has taken still arrives. */
  destroy(): void
}

export interface Endpoint {
  /** A name or an address; to listen, the empty string is every interface, IPv4 and IPv6. */
  readonly host: string
  /** To listen, 0 is any free port. */
  readonly port: number
}

export interface Listener extends Endpoint {
  /** Stops accepting; transports that were accepted live on. Safe to call twice. */
  close(): Promise<void>
}

export interface ConnectOptions extends Endpoint {
  /** Whom the peer's certificate must name, where there are certificates. Default: `host`. */
  readonly serverName?: string
  /** Gives up; the promise rejects with a `NetError` of code `ERR_NET_ABORTED`. */
  readonly signal?: AbortSignal
}

/** A way to reach and be reached. Two whole nodes can share one that lives in memory. */
export interface Network {
  connect(options: ConnectOptions): Promise<Transport>
  listen(at: Endpoint, accept: (transport: Transport) => void): Promise<Listener>
}

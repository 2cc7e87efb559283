/** One request to an epmd and its answer: one deadline for all of it, and every way to fail told apart. */
import { ByteWriter, type Clock, describeError } from '../core/index.ts'
import { type Endpoint, formatEndpoint, type Network, type Transport } from '../net/index.ts'
import { EpmdError } from './errors.ts'

export interface ExchangeOptions<T> {
  readonly network: Network
  readonly epmd: Endpoint
  readonly request: Uint8Array
  /** Undefined while bytes are missing; `ended` when no more will come. Throws `EpmdError`. */
  readonly decode: (received: Uint8Array, ended: boolean) => T | undefined
  readonly clock: Clock
  /** Milliseconds for everything together. */
  readonly timeout: number
  readonly maxResponseBytes: number
  readonly signal: AbortSignal | undefined
}

export interface Answered<T> {
  readonly answer: T
  /** Still open, unless epmd closed it; the caller's to close. */
  readonly transport: Transport
}

/** Rejects with `EpmdError`: `ERR_EPMD_UNREACHABLE`, `_TIMEOUT`, `_CLOSED`, `_BAD_RESPONSE` or `_ABORTED`. */
export function exchange<T>(options: ExchangeOptions<T>): Promise<Answered<T>> {
  const { network, epmd, request, decode, clock, timeout, maxResponseBytes, signal } = options
  const where = `the epmd at ${formatEndpoint(epmd)}`
  return new Promise((resolve, reject) => {
    const connecting = new AbortController()
    const received = new ByteWriter(256)
    let transport: Transport | undefined
    let settled = false

    const settle = (): boolean => {
      if (settled) return false
      settled = true
      timer.cancel()
      signal?.removeEventListener('abort', onAbort)
      return true
    }
    const fail = (error: unknown): void => {
      if (!settle()) return
      connecting.abort()
      transport?.destroy()
      reject(error)
    }
    const timer = clock.after(timeout, () => fail(timedOut(where, timeout)))
    const onAbort = (): void =>
      fail(
        new EpmdError('ERR_EPMD_ABORTED', `the request to ${where} was given up`, { cause: signal?.reason }),
      )
    const tryDecode = (open: Transport, ended: boolean): void => {
      try {
        const answer = decode(received.view8(), ended)
        if (answer !== undefined && settle()) resolve({ answer, transport: open })
      } catch (error) {
        fail(badResponse(where, error))
      }
    }
    const handleOpen = (open: Transport): void => {
      if (settled) {
        open.destroy()
        return
      }
      transport = open
      open.handler = {
        onData(bytes) {
          if (settled) return
          if (received.length + bytes.length > maxResponseBytes) return fail(tooLong(where, maxResponseBytes))
          received.writeBytes(bytes)
          tryDecode(open, false)
        },
        onDrain() {},
        onClose(error) {
          if (error === undefined && received.length > 0) tryDecode(open, true)
          fail(closedEarly(where, received.length, error))
        },
      }
      open.write(request)
    }

    if (signal?.aborted) return onAbort()
    signal?.addEventListener('abort', onAbort)
    network
      .connect({ ...epmd, signal: connecting.signal })
      .then(handleOpen, (error) => fail(unreachable(where, error)))
  })
}

function timedOut(where: string, timeout: number): EpmdError {
  return new EpmdError(
    'ERR_EPMD_TIMEOUT',
    `${where} did not answer within ${timeout} ms: check that what listens there is an epmd and that no firewall ` +
      'is in between, or allow more time',
  )
}

function closedEarly(where: string, length: number, cause: unknown): EpmdError {
  return new EpmdError(
    'ERR_EPMD_CLOSED',
    `${where} closed the connection after ${length} bytes, before its answer was complete: it refuses the ` +
      'request (registering is for programs on its own machine), or something else listens there',
    { cause },
  )
}

function badResponse(where: string, cause: unknown): EpmdError {
  return new EpmdError(
    'ERR_EPMD_BAD_RESPONSE',
    `${where} does not speak epmd's protocol, probably another program listens there: ${describeError(cause)}`,
    { cause },
  )
}

function tooLong(where: string, limit: number): EpmdError {
  const message = `${where} sent more than the ${limit} bytes that an answer may have (maxResponseBytes)`
  return new EpmdError('ERR_EPMD_BAD_RESPONSE', message)
}

function unreachable(where: string, cause: unknown): EpmdError {
  return new EpmdError(
    'ERR_EPMD_UNREACHABLE',
    `${where} cannot be reached: ${describeError(cause)}. Start one (\`epmd -daemon\`, or any Erlang node), or ` +
      'check the host and the port (ERL_EPMD_PORT)',
    { cause },
  )
}

/**
 * Keeps the node registered with epmd for as long as it lives: with the one that runs, or with one of our own where
 * none does. When the epmd goes away the node registers again every two seconds, as the BEAM does, and in mode `auto`
 * takes over as the embedded epmd itself. The creation never changes while the node runs.
 */
import { randomInt } from 'node:crypto'
import { type Clock, describeError, type Logger, type Timer } from '../core/index.ts'
import { type EpmdClient, EpmdError, type EpmdRegistration, EpmdServer } from '../epmd/index.ts'
import type { Network } from '../net/index.ts'

/**
 * `auto`: the epmd that listens, else our own. `external`: only one that listens. `embedded`: only our own.
 * `none`: the node is not registered, peers must know its port.
 */
export type EpmdMode = 'auto' | 'external' | 'embedded' | 'none'

export interface EmbeddedAddress {
  /** As `EpmdServerOptions.host`. */
  readonly host: string | readonly string[]
  readonly port: number
}

export interface RegistrationOptions {
  readonly mode: EpmdMode
  readonly client: EpmdClient
  readonly network: Network
  /** Where an embedded epmd listens; loopback is always among it. */
  readonly embeddedAt: EmbeddedAddress
  readonly alive: string
  readonly port: number
  readonly hidden: boolean
  readonly clock: Clock
  readonly logger: Logger
}

const RETRY_MS = 2000
/** Creations 0 to 3 belong to the old protocol. */
const FIRST_CREATION = 4
const CREATIONS_END = 2 ** 32

export class Registration {
  readonly #options: RegistrationOptions
  readonly #closing = new AbortController()
  #registration: EpmdRegistration | undefined
  #embedded: EpmdServer | undefined
  #retry: Timer | undefined
  /** What the last attempt to register again failed with, so that each trouble is told once. */
  #trouble: string | undefined

  /** This incarnation of the node; part of every pid, port and reference. */
  readonly creation: number

  private constructor(options: RegistrationOptions, registered?: Registered) {
    this.#options = options
    this.creation = registered?.registration.creation ?? randomInt(FIRST_CREATION, CREATIONS_END)
    if (registered !== undefined) this.#hold(registered)
  }

  /** @throws EpmdError when the name is taken, or no epmd can be reached or started. */
  static async start(options: RegistrationOptions): Promise<Registration> {
    if (options.mode === 'none') return new Registration(options)
    return new Registration(options, await register(options, undefined))
  }

  /** True while the epmd that serves this machine is ours. */
  get isEmbedded(): boolean {
    return this.#embedded !== undefined
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#retry?.cancel()
    this.#registration?.close()
    await this.#embedded?.close()
    this.#embedded = undefined
  }

  #hold({ registration, embedded }: Registered): void {
    this.#registration = registration
    this.#embedded = embedded
    registration.onLost = () => {
      this.#options.logger.warn({}, 'the connection to epmd is lost: registering again')
      void this.#registerAgain()
    }
  }

  async #registerAgain(): Promise<void> {
    const { clock, logger } = this.#options
    const { signal } = this.#closing
    try {
      const registered = await register(this.#options, this.#embedded, signal)
      if (signal.aborted) {
        registered.registration.close()
        await registered.embedded?.close()
        return
      }
      this.#trouble = undefined
      this.#hold(registered)
      logger.info({}, 'registered with epmd again')
    } catch (error) {
      if (signal.aborted) return
      const trouble = describeError(error)
      const level = trouble === this.#trouble ? 'debug' : 'warn'
      this.#trouble = trouble
      logger[level]({}, `not registered with epmd yet: ${trouble}`)
      this.#retry = clock.after(RETRY_MS, () => void this.#registerAgain())
    }
  }
}

interface Registered {
  readonly registration: EpmdRegistration
  readonly embedded: EpmdServer | undefined
}

/** @param running our own epmd, when it runs already */
async function register(
  options: RegistrationOptions,
  running: EpmdServer | undefined,
  signal?: AbortSignal,
): Promise<Registered> {
  const { mode, client, alive, port, hidden } = options
  const request = { name: alive, port, hidden, ...(signal === undefined ? {} : { signal }) }
  if (mode !== 'embedded' || running !== undefined) {
    try {
      return { registration: await client.register(request), embedded: running }
    } catch (error) {
      if (mode === 'external' || running !== undefined || !isUnreachable(error)) throw error
    }
  }
  const embedded = await startEmbedded(options)
  try {
    return { registration: await client.register(request), embedded }
  } catch (error) {
    await embedded?.close()
    throw error
  }
}

/** Undefined when somebody else's epmd came up in the meantime; then that one serves in mode `auto`. */
async function startEmbedded(options: RegistrationOptions): Promise<EpmdServer | undefined> {
  const { clock, embeddedAt, logger, network } = options
  try {
    return await EpmdServer.listen({ network, ...embeddedAt, clock, logger })
  } catch (error) {
    const taken = error instanceof EpmdError && error.code === 'ERR_EPMD_ADDRESS_IN_USE'
    if (!taken || options.mode === 'embedded') throw error
    return undefined
  }
}

function isUnreachable(error: unknown): boolean {
  return error instanceof EpmdError && error.code === 'ERR_EPMD_UNREACHABLE'
}

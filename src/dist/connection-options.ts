/** What a connection is made with, and the defaults. */
import { type Clock, OptionError, systemClock } from '../core/index.ts'
import { type Atom, AtomBudget, type CodecOptions, type Pid } from '../etf/index.ts'
import type { ControlHandler } from './control.ts'
import type { DistError } from './errors.ts'
import type { HandshakeResult } from './handshake/run.ts'
import { type ConnectionLimits, resolveConnectionLimits } from './limits.ts'

const DEFAULT_TICK_TIME_MS = 60_000
const DEFAULT_TICK_INTENSITY = 4
const DEFAULT_FROZEN_TIME_MS = 300_000

/** Atoms that one peer may introduce, unless the codec options bring a budget or a limit. */
const DEFAULT_ATOMS = 100_000

/** Told where the signals of one read begin and end, so that whoever they concern can wait until all of them are there. */
export interface ReadListener {
  begin(): void
  end(): void
}

export interface ConnectionOptions {
  readonly handshake: HandshakeResult
  /** Gets every signal that arrives. */
  readonly handler: ControlHandler
  /** Default: nobody. */
  readonly reads?: ReadListener
  /** Default: the system's. */
  readonly clock?: Clock
  /** Silence, in ms, after which the peer counts as gone, give or take a quarter; as `net_ticktime`. Default 60 000. */
  readonly tickTime?: number
  /** How often within that time a quiet side ticks, 4 to 1000; as `net_tickintensity`. Default 4. */
  readonly tickIntensity?: number
  /**
   * Milliseconds for which ticks are sent while the event loop stands still, where the transport can; 0 for never. Default
   * 300 000. A node that stands still for longer is lost, as one that has died.
   */
  readonly frozenTime?: number
  readonly limits?: Partial<ConnectionLimits>
  /** For the messages that pass; `atomBudget` to share one, otherwise the connection has its own. */
  readonly codec?: CodecOptions
  /** Whether messages to this receiver are decoded as `EXACT` says, whatever `codec` says. Default: to nobody. */
  readonly wantsExact?: (to: Pid | Atom) => boolean
  /**
   * The connection is gone; called once, on the event loop. `reason` says why: `ERR_DIST_CLOSED` when the peer ended it,
   * another `DistError` for what went wrong, undefined after `close()` or `destroy()` without an error.
   */
  readonly onClose?: (reason: DistError | undefined) => void
  /** `isBusy` is false again. */
  readonly onWritable?: () => void
  /**
   * A sender that stands for many who know nothing of each other. Its signals keep their order for each receiver as it is
   * written, while those of any other sender also keep it between a pid, a name and an alias, which may be one process.
   */
  readonly sharedSender?: Pid
}

/** The options with the defaults filled in. */
export interface ResolvedOptions {
  readonly clock: Clock
  readonly limits: ConnectionLimits
  readonly codec: CodecOptions
  /** In ms. */
  readonly tickInterval: number
  readonly tickIntensity: number
  /** In ms. */
  readonly frozenTime: number
}

/** @throws OptionError for a limit or tick time that makes no sense. */
export function resolveConnectionOptions(options: ConnectionOptions): ResolvedOptions {
  const { clock = systemClock, codec = {}, tickTime = DEFAULT_TICK_TIME_MS } = options
  const { tickIntensity = DEFAULT_TICK_INTENSITY } = options
  if (!(tickTime > 0 && Number.isFinite(tickTime))) {
    throw new OptionError(`tickTime must be above 0 ms, got ${tickTime}`)
  }
  if (!Number.isInteger(tickIntensity) || tickIntensity < 4 || tickIntensity > 1000) {
    throw new OptionError(`tickIntensity must be a whole number from 4 to 1000, got ${tickIntensity}`)
  }
  const atomBudget = codec.atomBudget ?? new AtomBudget(codec.limits?.atoms ?? DEFAULT_ATOMS)
  return {
    clock,
    limits: resolveConnectionLimits(options.limits),
    codec: { ...codec, atomBudget },
    tickInterval: tickTime / tickIntensity,
    tickIntensity,
    frozenTime: options.frozenTime ?? DEFAULT_FROZEN_TIME_MS,
  }
}

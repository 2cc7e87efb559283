/**
 * Whole nodes in one process: each on a host of its own of a network in memory, with an embedded epmd there, found by
 * name as on a real network. Time is turned by hand unless a clock is given.
 */
import type { BeamNode } from '../../src/beam-node.ts'
import type { Clock, Logger } from '../../src/core/index.ts'
import { MemoryNetwork, type MemoryOptions } from '../../src/net/index.ts'
import type { NodeOptions } from '../../src/node/index.ts'
import { startNode } from '../../src/start.ts'
import { FakeClock } from '../../src/testing/index.ts'

export interface Teardown {
  teardown(end: () => unknown): unknown
}

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: Readonly<Record<string, unknown>>
  readonly message: string
}

export interface TestNodesOptions extends Omit<MemoryOptions, 'clock'> {
  /** Default: a clock that the test turns. */
  readonly clock?: Clock
}

/** Turns of the event loop that `until` waits for at most. */
const PATIENCE_TURNS = 20_000

const STEP_MS = 100
/** Enough for a lookup, a connect and a handshake over a network without delay. */
const SETTLE_TURNS = 30

/**
 * @example
 * const nodes = new TestNodes(t)
 * const [a, b] = await nodes.pair()            // a@a and b@b, connected
 * nodes.network.cut('a', 'b')
 * await nodes.elapse(75_000)
 */
export class TestNodes {
  readonly clock: Clock
  readonly network: MemoryNetwork
  /** What all nodes logged. */
  readonly log: LogLine[] = []
  readonly #started: BeamNode[] = []
  readonly #fake: FakeClock | undefined

  /** Stops the nodes at the end of the test. */
  constructor(t: Teardown, options: TestNodesOptions = {}) {
    const { clock = new FakeClock(), ...memory } = options
    this.clock = clock
    this.#fake = clock instanceof FakeClock ? clock : undefined
    this.network = new MemoryNetwork({ ...memory, clock })
    // Timers of the system's clock do not keep the process alive, and there is no socket that would.
    const alive = this.#fake === undefined ? setInterval(() => {}, 60_000) : undefined
    t.teardown(async () => {
      await this.stop()
      clearInterval(alive)
    })
  }

  /** Starts `name` on the host of that name: `a` is `a@a`. A full name works as well. */
  async start(name: string, options: Partial<NodeOptions> = {}): Promise<BeamNode> {
    const full = name.includes('@') ? name : `${name}@${name}`
    const host = full.slice(full.indexOf('@') + 1)
    const node = await this.during(
      startNode({
        name: full,
        cookie: 'secret',
        epmdPort: 4369,
        network: this.network.host(host),
        clock: this.clock,
        logger: this.logger(full),
        ...options,
      }),
    )
    this.#started.push(node)
    return node
  }

  /** Two nodes, connected; `a` dialed. */
  async pair(
    a: Partial<NodeOptions> = {},
    b: Partial<NodeOptions> = {},
    names: readonly [string, string] = ['a', 'b'],
  ): Promise<[BeamNode, BeamNode]> {
    const one = await this.start(names[0], a)
    const other = await this.start(names[1], b)
    await this.join(one, other)
    return [one, other]
  }

  /** `one` dials; resolves when both have the connection. */
  async join(one: BeamNode, other: BeamNode): Promise<void> {
    await this.during(one.connect(other.name))
    await this.until(() => other.nodes('all').includes(one.name))
  }

  logger(node: string): Logger {
    const at = (level: LogLine['level']) => (fields: object, message: string) => {
      this.log.push({ level, fields: { node, ...fields }, message })
    }
    return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  }

  /** Messages of warnings and errors. */
  complaints(): string[] {
    return this.log.filter(({ level }) => level === 'warn' || level === 'error').map(({ message }) => message)
  }

  /**
   * Lets `ms` milliseconds pass on the clock that is turned by hand: in small steps, between which what the timers set
   * off comes to its end, as it would long before the next timer on a real clock.
   */
  async elapse(ms: number): Promise<void> {
    if (this.#fake === undefined) throw new Error('time passes by itself on this clock')
    for (let left = ms; left > 0; left -= STEP_MS) {
      await this.#fake.elapse(Math.min(left, STEP_MS))
      await this.settle(SETTLE_TURNS)
    }
  }

  /** Gives the event loop turns until `isSo`; no time passes on the clock that is turned by hand. */
  async until(isSo: () => boolean, what = String(isSo)): Promise<void> {
    for (let turn = 0; !isSo(); turn++) {
      if (turn === PATIENCE_TURNS) throw new Error(`this did not come true: ${what}`)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Waits for a promise and lets time pass meanwhile, `step` milliseconds after `step` milliseconds. */
  async during<T>(promise: Promise<T>, step = 50): Promise<T> {
    if (this.#fake === undefined) return promise
    let settled = false
    const settle = (): void => {
      settled = true
    }
    promise.then(settle, settle)
    for (let turn = 0; turn < SETTLE_TURNS && !settled; turn++)
      await new Promise((resolve) => setImmediate(resolve))
    for (let passed = 0; !settled; passed += step) {
      if (passed > 600_000) throw new Error('a promise is not settled after ten minutes')
      await this.elapse(step)
    }
    return promise
  }

  /** What is under way arrives. */
  async settle(turns = SETTLE_TURNS): Promise<void> {
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
  }

  async stop(): Promise<void> {
    const stopping = this.#started.map((node) => node.stop())
    await this.during(Promise.all(stopping), 1000)
  }
}

/** Writes down every `nodeup` and `nodedown` of a node: `up b@b`, `down b@b net_tick_timeout`. */
export function nodeEvents(node: BeamNode): string[] {
  const events: string[] = []
  node.on('nodeup', (name) => void events.push(`up ${name}`))
  node.on('nodedown', (name, { reason }) => void events.push(`down ${name} ${reason}`))
  return events
}

/** The error that a promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<Error & { readonly code?: string }> {
  try {
    await promise
  } catch (error) {
    if (error instanceof Error) return error
    throw new Error(`rejected with what is no error: ${String(error)}`)
  }
  throw new Error('the promise was expected to reject, and resolved')
}

/** Runtimes for tests: one alone, or two that are wired together without sockets. */
import type { Logger } from '../../src/core/index.ts'
import {
  type Atom,
  atom,
  decode,
  type Encodable,
  encode,
  type Pid,
  type Reference,
  type Term,
} from '../../src/etf/index.ts'
import {
  type MonitorTarget,
  type RemoteRouter,
  Runtime,
  type RuntimeLimits,
  type SignalSink,
  type SpawnRequest,
} from '../../src/runtime/index.ts'
import { FakeClock } from '../../src/testing/index.ts'

/** Lets everything that is ready run: microtasks, and a few turns of the event loop. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
}

export interface LogLine {
  readonly level: string
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

export function recordingLogger(lines: LogLine[]): Logger {
  const at = (level: string) => (fields: object, message: string) => {
    lines.push({ level, message, fields: fields as Record<string, unknown> })
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/**
 * The way from one runtime to another. Signals are copied through the codec and arrive in order, in a later
 * microtask; while the wire is held they wait. `sent` keeps the names of all signals.
 */
export class Wire implements RemoteRouter {
  readonly sent: string[] = []
  readonly #queue: (() => void)[] = []
  #to: SignalSink | undefined
  #isHeld = false
  #isPlanned = false
  /** What the other side does with a spawn request. */
  onSpawnRequest: ((request: SpawnRequest) => void) | undefined
  /** Messages do not leave: too much waits already. */
  drops = false

  connect(to: SignalSink): void {
    this.#to = to
  }

  disconnect(): void {
    this.#to = undefined
    this.#queue.length = 0
  }

  hold(): void {
    this.#isHeld = true
  }

  release(): void {
    this.#isHeld = false
    this.#plan()
  }

  send(_from: Pid, to: Pid, message: Encodable): boolean {
    const copied = copy(message)
    if (!this.drops) this.#put('send', (sink) => sink.send(copy(to), copied))
    return !this.drops
  }

  sendName(_from: Pid, name: Atom, _node: Atom, message: Encodable): boolean {
    const copied = copy(message)
    if (!this.drops) this.#put('sendName', (sink) => sink.sendName(name, copied))
    return !this.drops
  }

  sendAlias(_from: Pid, alias: Reference, message: Encodable): void {
    const copied = copy(message)
    this.#put('sendAlias', (sink) => sink.sendAlias(copy(alias), copied))
  }

  link(from: Pid, to: Pid): void {
    this.#put('link', (sink) => sink.link(copy(from), copy(to)))
  }

  unlink(id: bigint, from: Pid, to: Pid): void {
    this.#put('unlink', (sink) => sink.unlink(id, copy(from), copy(to)))
  }

  unlinkAck(id: bigint, from: Pid, to: Pid): void {
    this.#put('unlinkAck', (sink) => sink.unlinkAck(id, copy(from), copy(to)))
  }

  exit(from: Pid, to: Pid, reason: Encodable): void {
    const copied = copy(reason)
    this.#put('exit', (sink) => sink.exit(copy(from), copy(to), copied))
  }

  exit2(from: Pid, to: Pid, reason: Encodable): void {
    const copied = copy(reason)
    this.#put('exit2', (sink) => sink.exit2(copy(from), copy(to), copied))
  }

  monitor(from: Pid, target: MonitorTarget, ref: Reference): void {
    const watched = 'name' in target ? target.name : copy(target)
    this.#put('monitor', (sink) => sink.monitor(copy(from), watched, copy(ref)))
  }

  demonitor(from: Pid, target: MonitorTarget, ref: Reference): void {
    const watched = 'name' in target ? target.name : copy(target)
    this.#put('demonitor', (sink) => sink.demonitor(copy(from), watched, copy(ref)))
  }

  monitorExit(from: Pid | Atom, to: Pid, ref: Reference, reason: Encodable): void {
    const copied = copy(reason)
    this.#put('monitorExit', (sink) => sink.monitorExit(copy(from), copy(to), copy(ref), copied))
  }

  groupLeader(leader: Pid, member: Pid): void {
    this.#put('groupLeader', (sink) => sink.groupLeader(copy(leader), copy(member)))
  }

  spawnRequest(_node: Atom, request: SpawnRequest): void {
    this.#put('spawnRequest', () => this.onSpawnRequest?.(request))
  }

  spawnReply(id: Reference, to: Pid, flags: number, result: Pid | Atom): void {
    this.#put('spawnReply', (sink) => sink.spawnReply(copy(id), copy(to), flags, copy(result)))
  }

  #put(name: string, deliver: (sink: SignalSink) => void): void {
    this.sent.push(name)
    this.#queue.push(() => {
      if (this.#to !== undefined) deliver(this.#to)
    })
    this.#plan()
  }

  #plan(): void {
    if (this.#isHeld || this.#isPlanned) return
    this.#isPlanned = true
    queueMicrotask(() => {
      this.#isPlanned = false
      while (!this.#isHeld) {
        const deliver = this.#queue.shift()
        if (deliver === undefined) return
        deliver()
      }
    })
  }
}

function copy<T extends Encodable>(term: T): T & Term {
  return decode(encode(term)) as T & Term
}

export interface TestRuntime {
  readonly runtime: Runtime
  readonly clock: FakeClock
  readonly log: LogLine[]
  readonly wire: Wire
}

interface TestRuntimeOptions {
  readonly node?: string
  readonly limits?: Partial<RuntimeLimits>
}

/** Stopped at the end of the test. */
export function testRuntime(
  t: { teardown(end: () => unknown): unknown },
  options: TestRuntimeOptions = {},
): TestRuntime {
  const clock = new FakeClock()
  const log: LogLine[] = []
  const wire = new Wire()
  const runtime = new Runtime({
    node: atom(options.node ?? 'a@test'),
    creation: 7,
    router: wire,
    clock,
    logger: recordingLogger(log),
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  })
  t.teardown(() => stopNow(runtime, clock))
  return { runtime, clock, log, wire }
}

async function stopNow(runtime: Runtime, clock: FakeClock): Promise<void> {
  const stopped = runtime.stop()
  await settled()
  clock.advance(5000)
  await stopped
}

export interface Cluster {
  readonly a: TestRuntime
  readonly b: TestRuntime
  /** Both sides lose the connection; what was on the way is lost. */
  cut(): void
}

/** `a.wire` leads from a to b, `b.wire` from b to a. */
export function cluster(t: { teardown(end: () => unknown): unknown }): Cluster {
  const a = testRuntime(t, { node: 'a@test' })
  const b = testRuntime(t, { node: 'b@test' })
  a.wire.connect(b.runtime.sink)
  b.wire.connect(a.runtime.sink)
  const cut = (): void => {
    a.wire.disconnect()
    b.wire.disconnect()
    a.runtime.sink.connectionLost(b.runtime.node)
    b.runtime.sink.connectionLost(a.runtime.node)
  }
  return { a, b, cut }
}

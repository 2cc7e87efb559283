/**
 * One measurement of the runtime, in a process of its own: `node --expose-gc jobs.ts JOB`. Prints numbers as JSON.
 *
 * The package is the compiled one of bench/.build, as users get it.
 */
import type { DynamicSupervisor, Pid, Term } from '../../src/index.ts'
import type { RemoteRouter, Runtime } from '../../src/runtime/index.ts'

type Package = typeof import('../../src/index.ts')

const BUILD = '../.build/'
const {
  atom,
  DynamicSupervisor: Dynamic,
  GenServer: Server,
  noreply,
  reply,
} = (await import(`${BUILD}index.js`)) as Package
const { Runtime: RuntimeClass } = (await import(`${BUILD}runtime/index.js`)) as {
  Runtime: new (options: object) => Runtime
}

/** Nobody is elsewhere. */
const router = {} as RemoteRouter

const runtime = new RuntimeClass({ node: atom('bench@localhost'), creation: 1, router })

class Counter extends Server<number> {
  override init(): number {
    return 0
  }

  override handleCall(_request: Term, _from: unknown, count: number) {
    return reply(count, count)
  }

  override handleCast(_request: Term, count: number) {
    return noreply(count + 1)
  }

  override handleInfo(_message: Term, count: number) {
    return noreply(count + 1)
  }
}

const IDLE = 100_000

/** Bytes in use after everything that can go has gone. */
async function usedBytes(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    globalThis.gc!()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Bytes that each of `IDLE` servers takes; the array that holds their pids is counted beforehand. */
async function bytesEach(start: () => Promise<Pid> | Pid, use?: (pid: Pid) => unknown): Promise<number> {
  const pids = new Array<Pid | undefined>(IDLE).fill(undefined)
  const before = await usedBytes()
  for (let i = 0; i < IDLE; i++) pids[i] = await start()
  if (use !== undefined) for (const pid of pids) await use(pid as Pid)
  const bytes = ((await usedBytes()) - before) / IDLE
  if (pids.some((pid) => pid === undefined || !runtime.isAlive(pid))) throw new Error('a server did not live')
  return bytes
}

/** Microseconds for each of the first `count` children of one supervisor, over its whole life. */
async function microsecondsPerChild(count: number): Promise<number> {
  const supervisor = (await Dynamic.startLink(runtime.client)) as DynamicSupervisor<Pid>
  const begun = performance.now()
  for (let i = 0; i < count; i++) await supervisor.startChild([Counter])
  const each = ((performance.now() - begun) * 1000) / count
  await supervisor.stop()
  return each
}

/** Of the last thousand children, when `count` run already. */
async function microsecondsPerLateChild(count: number): Promise<number> {
  const supervisor = (await Dynamic.startLink(runtime.client)) as DynamicSupervisor<Pid>
  for (let i = 0; i < count - 1000; i++) await supervisor.startChild([Counter])
  const times: number[] = []
  for (let i = 0; i < 1000; i++) {
    const begun = performance.now()
    await supervisor.startChild([Counter])
    times.push((performance.now() - begun) * 1000)
  }
  return times.sort((a, b) => a - b)[500]!
}

const JOBS = {
  /** Messages per second: a million sent to one process, which reads them all. */
  async mailbox(): Promise<number> {
    const million = 1_000_000
    const begun = performance.now()
    const pid = runtime.spawn(Counter)
    const message = atom('tick')
    for (let i = 0; i < million; i++) runtime.send(pid, message)
    const count = await runtime.call(pid, message, { timeout: 'infinity' })
    if (count !== million) throw new Error(`${count} messages were handled`)
    return million / ((performance.now() - begun) / 1000)
  },

  /** Calls per second, one after the other. */
  async calls(): Promise<number> {
    const pid = await runtime.start(Counter)
    const request = atom('get')
    for (let i = 0; i < 50_000; i++) await runtime.call(pid, request)
    const count = 300_000
    const begun = performance.now()
    for (let i = 0; i < count; i++) await runtime.call(pid, request)
    return count / ((performance.now() - begun) / 1000)
  },

  idleStarted: () => bytesEach(() => runtime.start(Counter)),

  idleLinked: () => bytesEach(() => runtime.start(Counter, undefined, { link: runtime.client.pid })),

  idleAfterCall: () =>
    bytesEach(
      () => runtime.start(Counter),
      (pid) => runtime.call(pid, atom('get')),
    ),

  /** With what their supervisor keeps of each. */
  async idleSupervised(): Promise<number> {
    const supervisor = await Dynamic.startLink(runtime.client)
    return bytesEach(() => supervisor.startChild([Counter]))
  },

  start1000: async () => {
    await microsecondsPerChild(1000)
    return microsecondsPerChild(1000)
  },
  start10000: () => microsecondsPerChild(10_000),
  start100000: () => microsecondsPerChild(100_000),
  late1000: async () => {
    await microsecondsPerChild(1000)
    return microsecondsPerLateChild(2000)
  },
  late100000: () => microsecondsPerLateChild(100_000),
} satisfies Record<string, () => Promise<number>>

export type JobName = keyof typeof JOBS

const job = process.argv[2] as JobName
process.stdout.write(`${JSON.stringify(await JOBS[job]())}\n`)
process.exit(0)

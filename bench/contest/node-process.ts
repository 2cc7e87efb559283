/**
 * A TypeScript node in a process of its own, which serves and measures for the contest: the part of it that runs there.
 * Takes jobs over the IPC channel, one at a time, and answers with numbers. The package is the compiled one of
 * bench/.build, as users get it.
 */
import assert from 'node:assert/strict'
import type { BeamNode, Pid, Term } from '../../src/index.ts'

type Package = typeof import('../../src/index.ts')

const {
  alias,
  atom,
  DynamicSupervisor,
  GenServer,
  keepHeapHeadroom,
  noreply,
  reply,
  silentLogger,
  startNode,
  termEquals,
  Tuple,
  tuple,
}: Package = await import(new URL('../.build/index.js', import.meta.url).href)
const { DistributedSupervisor }: typeof import('../../src/supervisor/index.ts') = await import(
  new URL('../.build/supervisor/index.js', import.meta.url).href
)

const NEXT = atom('next')
const COUNT = atom('count')
const ECHO = atom('echo')
const TICK = atom('tick')

class Echo extends GenServer<number> {
  override init(): number {
    return 0
  }

  override handleCall(request: Term, _from: unknown, count: number) {
    if (request === NEXT) return reply(count, count + 1)
    if (request === COUNT) return reply(count, 0)
    return reply(request instanceof Tuple ? (request[1] as Term) : null, count)
  }

  override handleCast(_request: Term, count: number) {
    return noreply(count + 1)
  }
}

class Child extends GenServer<number> {
  override init(): number {
    return 0
  }

  override handleCall(_request: Term, _from: unknown, count: number) {
    return reply(count, count)
  }
}

const CHILD_MODULE = 'Elixir.Bench.Child'
const nodes: BeamNode[] = []
let node: BeamNode
let supervisor: Awaited<ReturnType<typeof DynamicSupervisor.startLink>>
let distributed: Awaited<ReturnType<typeof DistributedSupervisor.startLink>> | undefined

function payload(kind: string): Term {
  const [what, size = '0'] = kind.split(' ')
  if (what === 'next') return NEXT
  if (what === 'integers') {
    return tuple(
      ECHO,
      Array.from({ length: 200 }, (_, i) => ((i + 1) * 7_919_317) % 100_000_000),
    ) as Term
  }
  return tuple(
    ECHO,
    what === 'text' ? 'a'.repeat(Number(size)) : new Uint8Array(Number(size)).fill(255),
  ) as Term
}

function percentiles(times: Float64Array): number[] {
  times.sort()
  return [50, 99, 99.9].map((part) => times[Math.round(((times.length - 1) * part) / 100)]! * 1000)
}

/** Lets what is on its way arrive. */
const turn = () => new Promise((resolve) => setImmediate(resolve))

async function usedBytes(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    globalThis.gc!()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const JOBS = {
  /** The node, with all that the contest asks of it. */
  async start(name: string, cookie: string, epmdPort: number): Promise<number> {
    node = await startNode({ name, cookie, epmdPort, logger: silentLogger })
    nodes.push(node)
    await node.startLink(Echo, undefined, { name: 'echo' })
    supervisor = await DynamicSupervisor.startLink(node, {
      name: alias('Bench.Children'),
      modules: () => Child,
    })
    node.pg('bench')
    return 0
  },

  async keepHeadroom(): Promise<number> {
    keepHeapHeadroom()
    return 0
  },

  /** Nodes that do nothing but be connected to the one that is named. */
  async crowd(count: number, cookie: string, epmdPort: number, other: string): Promise<number> {
    for (let i = 0; i < count; i++) {
      const one = await startNode({
        name: `crowd${i}@127.0.0.1`,
        cookie,
        epmdPort,
        hidden: true,
        logger: silentLogger,
      })
      nodes.push(one)
      await one.connect(other)
    }
    return nodes.length
  },

  async calls(to: string, callers: number, each: number, kind: string): Promise<number[]> {
    const server = ['echo', to] as const
    const request = payload(kind)
    const options = { timeout: 'infinity' } as const
    if (request instanceof Tuple)
      assert.ok(termEquals(await node.call(server, request, options), request[1] as Term))
    const times = new Float64Array(callers * each)
    let at = 0
    const caller = async () => {
      for (let i = 0; i < each; i++) {
        const begun = performance.now()
        await node.call(server, request, options)
        times[at++] = performance.now() - begun
      }
    }
    const begun = performance.now()
    await Promise.all(Array.from({ length: callers }, caller))
    return [(callers * each * 1000) / (performance.now() - begun), ...percentiles(times)]
  },

  async casts(to: string, count: number): Promise<number[]> {
    const server = ['echo', to] as const
    const options = { timeout: 'infinity' } as const
    await node.call(server, COUNT, options)
    const begun = performance.now()
    for (let i = 0; i < count; i++) {
      node.cast(server, TICK)
      // Plain code that never pauses would only fill the memory; a process would be held back.
      if (i % 1000 === 999) await node.drain(to)
    }
    const counted = await node.call(server, COUNT, options)
    if (counted !== count) throw new Error(`${counted} of ${count} casts arrived`)
    return [(count * 1000) / (performance.now() - begun)]
  },

  async connect(to: string): Promise<number[]> {
    if (node.nodes('all').some(({ name }) => name === to)) {
      const gone = new Promise<void>((resolve) => {
        const off = node.onNodeDown(({ name }) => {
          if (name !== to) return
          off()
          resolve()
        })
      })
      node.disconnect(to)
      await gone
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
    const begun = performance.now()
    await node.connect(to)
    return [performance.now() - begun]
  },

  async join(count: number, watcher: string): Promise<number> {
    const scope = node.pg('bench')
    let stop = () => {}
    const stopped = new Promise<void>((resolve) => {
      stop = resolve
    })
    const source = node.spawn(async (self) => {
      self.register('source')
      await self.receive()
      self.unregister('source')
      stop()
    })
    const pids = Array.from({ length: count }, () => node.spawn((self) => self.receive()))
    // A process has its name when it runs.
    await turn()
    node.send(['watcher', watcher], atom('begin'))
    pids.forEach((pid: Pid, i) => {
      scope.join(tuple(atom('name'), i), pid)
    })
    node.send(['watcher', watcher], tuple(atom('source'), node.name))
    await stopped
    for (const pid of pids) node.exit(pid, atom('kill'))
    node.exit(source, atom('kill'))
    return count
  },

  async endChildren(): Promise<number> {
    const children = await supervisor.whichChildren()
    for (const { pid } of children)
      if (pid !== undefined && pid !== 'restarting') await supervisor.terminateChild(pid)
    return children.length
  },

  /** The supervisor whose children move when a node is gone. */
  async distribute(): Promise<number> {
    distributed = await DistributedSupervisor.startLink(node, {
      name: 'Bench.Moving',
      modules: { [CHILD_MODULE]: Child },
      monitorNodes: true,
    })
    return 0
  },

  async runChildren(count: number): Promise<number> {
    for (let i = 0; i < count; i++) await distributed!.startChild([Child, { name: i }], node.name)
    return count
  },

  async countLocal(): Promise<number> {
    return distributed!.localChildren().length
  },

  async countAll(): Promise<number> {
    return (await distributed!.children()).size
  },

  usedBytes,

  /** Processor time so far, in microseconds. */
  cpu(): number {
    const { user, system } = process.cpuUsage()
    return user + system
  },

  async stop(): Promise<number> {
    await Promise.all(nodes.map((each) => each.stop()))
    return 0
  },

  leave(): never {
    process.exit(0)
  },
} satisfies Record<string, (...args: never[]) => unknown>

export type JobName = keyof typeof JOBS

process.on('message', async ({ id, job, args }: { id: number; job: JobName; args: never[] }) => {
  try {
    const run = JOBS[job] as (...args: never[]) => unknown
    process.send!({ id, result: await run(...args) })
  } catch (error) {
    process.send!({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
})
process.on('disconnect', () => process.exit(0))

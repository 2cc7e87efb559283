/**
 * The cases of the contest. Each has a baseline, which is what BEAM nodes need among themselves, and one or more
 * challengers that do the same with a node of ours in it.
 */
import type { Other } from '../others/others.ts'
import type { Client, ElixirClient, Field, Server } from './field.ts'
import { cpuPercentWhile, startupOfBeam, startupOfNode } from './processes.ts'

/** What one measurement gives: the figure that counts, and percentiles where single operations were timed. */
export interface Sample {
  readonly value: number
  /** p50, p99 and p99.9, in microseconds. */
  readonly latency?: readonly [p50: number, p99: number, p999: number]
}

export type Measure = () => Promise<Sample>

export interface Case {
  readonly id: string
  readonly what: string
  readonly unit: string
  /** Whether more is better. */
  readonly better: 'more' | 'less'
  /** Of the first challenger: as a ratio to the baseline, or in the unit of the case. */
  readonly target?: { readonly ratio: number } | { readonly value: number }
  /** By name, the baseline first. */
  readonly contestants: Readonly<Record<string, Measure>>
  /** How often it is measured at most; the cases that take long. */
  readonly rounds?: number
  /** How many short rounds stand in place of one: what the machine does beside falls on all alike then. */
  readonly repeat?: number
}

/** Of the cases in which a twentieth decides. */
const REPEAT = 5

export interface Players {
  readonly field: Field
  readonly elixir: ElixirClient
  readonly flooder: ElixirClient
  readonly ts: Client
  readonly beamServer: Server
  readonly tsServer: Server
  /** The same with `keepHeapHeadroom()`, as `beamjoin start` runs a node. */
  readonly roomyServer: Server
}

/** How much of everything; 1 is the whole. */
export interface Scale {
  readonly part: number
}

const BOTH = 'Elixir -> BEAM'
const OURS = 'Elixir -> beamjoin'
const ROOMY = '... with keepHeapHeadroom()'

const timed = ([value, p50, p99, p999]: number[]): Sample => ({
  value: value!,
  ...(p50 === undefined ? {} : { latency: [p50, p99!, p999!] as const }),
})

export function casesOf(players: Players, { part }: Scale): Case[] {
  const { elixir, flooder, ts, beamServer, tsServer, roomyServer } = players
  const some = (count: number) => Math.max(1, Math.round(count * part))

  const calls =
    (client: Client, server: Server, callers: number, each: number, payload = 'next'): Measure =>
    async () =>
      timed(await client.calls(server.name, callers, some(each), payload))
  const sequential = (client: Client, server: Server): Measure => {
    const measure = calls(client, server, 1, 2_500)
    return async () => {
      const { value, latency } = await measure()
      return { value: 1e6 / value, ...(latency && { latency }) }
    }
  }
  const byServer = (measure: (server: Server) => Measure, alsoRoomy = false): Record<string, Measure> => ({
    [BOTH]: measure(beamServer),
    [OURS]: measure(tsServer),
    ...(alsoRoomy ? { [ROOMY]: measure(roomyServer) } : {}),
  })
  const byClient = (measure: (client: Client, server: Server) => Measure): Record<string, Measure> => ({
    [BOTH]: measure(elixir, beamServer),
    'beamjoin -> BEAM': measure(ts, beamServer),
    'beamjoin -> beamjoin': measure(ts, tsServer),
  })
  const megabytes =
    (size: number, measure: Measure): Measure =>
    async () => {
      const { value, latency } = await measure()
      return { value: (value * size * 2) / 2 ** 20, ...(latency && { latency }) }
    }

  const concurrent = (callers: number, each: number): Case => ({
    id: `calls-${callers}`,
    what: `${callers} callers at a time`,
    unit: 'calls/s',
    better: 'more',
    repeat: REPEAT,
    ...(callers >= 64 ? { target: { ratio: 1 } } : {}),
    contestants: byServer((server) => calls(elixir, server, callers, each)),
  })

  const echo = (kind: 'binary' | 'text', size: number, each: number, name: string): Case => ({
    id: `echo-${kind}-${name.replace(' ', '').toLowerCase()}`,
    what: `echo of ${name} of ${kind === 'binary' ? 'bytes' : 'text'}`,
    unit: 'MiB/s',
    better: 'more',
    ...(size === 2 ** 20 ? { target: { ratio: 0.8 } } : {}),
    contestants: byServer(echoes(kind, size, each), size >= 2 ** 16),
  })
  const echoes = (kind: string, size: number, each: number) => (server: Server) =>
    megabytes(size, calls(elixir, server, 1, each, `${kind} ${size}`))

  return [
    {
      id: 'call',
      what: 'one call after the other',
      unit: 'us',
      better: 'less',
      target: { ratio: 1 },
      repeat: REPEAT,
      contestants: byServer((server) => sequential(elixir, server)),
    },
    concurrent(8, 1_000),
    concurrent(64, 250),
    concurrent(120, 150),
    {
      id: 'integers',
      what: 'echo of a list of 200 integers',
      unit: 'calls/s',
      better: 'more',
      target: { ratio: 2 },
      repeat: REPEAT,
      contestants: byServer((server) => calls(elixir, server, 1, 2_000, 'integers')),
    },
    {
      id: 'casts-received',
      what: 'casts received',
      unit: 'casts/s',
      better: 'more',
      target: { ratio: 1 },
      repeat: REPEAT,
      contestants: byServer((server) => async () => timed(await elixir.casts(server.name, some(100_000)))),
    },
    {
      id: 'flooded-call',
      what: 'p99 of a call while another node sends bursts of casts',
      unit: 'us',
      better: 'less',
      contestants: byServer((server) => async () => {
        const stop = await flooder.flood(server.name)
        try {
          const sample = timed(await elixir.calls(server.name, 1, some(1_000), 'next'))
          return { value: sample.latency![1], latency: sample.latency! }
        } finally {
          await stop()
        }
      }),
    },
    echo('binary', 2 ** 10, 3_000, '1 KiB'),
    echo('binary', 2 ** 16, 3_000, '64 KiB'),
    echo('binary', 2 ** 20, 500, '1 MiB'),
    echo('text', 2 ** 20, 500, '1 MiB'),
    echo('binary', 2 ** 24, 30, '16 MiB'),
    {
      id: 'client-call',
      what: 'one call after the other, as a client',
      unit: 'us',
      better: 'less',
      repeat: REPEAT,
      contestants: byClient(sequential),
    },
    {
      id: 'client-calls-64',
      what: '64 callers at a time, as a client',
      unit: 'calls/s',
      better: 'more',
      contestants: byClient((client, server) => calls(client, server, 64, 500)),
    },
    {
      id: 'casts-sent',
      what: 'casts sent',
      unit: 'casts/s',
      better: 'more',
      target: { ratio: 1 },
      contestants: byClient(
        (client, server) => async () => timed(await client.casts(server.name, some(200_000))),
      ),
    },
    {
      id: 'client-integers',
      what: 'echo of 200 integers, as a client',
      unit: 'calls/s',
      better: 'more',
      contestants: byClient((client, server) => calls(client, server, 1, 4_000, 'integers')),
    },
    {
      id: 'client-echo-1mib',
      what: 'echo of 1 MiB of bytes, as a client',
      unit: 'MiB/s',
      better: 'more',
      contestants: byClient((client, server) =>
        megabytes(2 ** 20, calls(client, server, 1, 500, `binary ${2 ** 20}`)),
      ),
    },
    {
      id: 'connect',
      what: 'connect to a node',
      unit: 'ms',
      better: 'less',
      contestants: {
        ...byServer((server) => async () => timed(await elixir.connect(server.name))),
        'beamjoin -> BEAM': async () => timed(await ts.connect(beamServer.name)),
      },
    },
    {
      id: 'pg',
      what: `${some(10_000)} pg joins until an Elixir node has seen them`,
      unit: 'ms',
      better: 'less',
      target: { ratio: 1 },
      contestants: byServer((server) => async () => {
        const seen = await elixir.joins(some(10_000))
        await server.join(some(10_000), elixir.name)
        return timed(await seen())
      }),
    },
    {
      id: 'start-child',
      what: `start_child of ${some(10_000)} children by 64 callers, each`,
      unit: 'us',
      better: 'less',
      contestants: byServer((server) => async () => {
        const sample = timed(await elixir.startChildren(server.name, some(10_000), 64))
        await server.endChildren()
        return sample
      }),
    },
    ...slowCases(players, some),
  ]
}

/**
 * The echo of 1 KiB beside what is no node of the BEAM, or one of another kind; and what says how much a server can do
 * about a rate: the same with Erlang's C node, which does no more than it must.
 *
 * @param others who else answers the same call, as far as they are there
 */
export function otherCases(players: Players, { part }: Scale, others: readonly Other[]): Case[] {
  const { elixir, ts, beamServer, tsServer } = players
  const some = (count: number) => Math.max(1, Math.round(count * part))
  const SIZE = 1024
  type Run = () => Promise<number[]>
  const contestants = (runs: Record<string, Run | undefined>, figure = (value: number) => value) => {
    const measures = Object.entries(runs).flatMap(([name, run]): [string, Measure][] => {
      if (run === undefined) return []
      const measure = async () => {
        const sample = timed(await run())
        return { ...sample, value: figure(sample.value) }
      }
      return [[name, measure]]
    })
    return Object.fromEntries(measures)
  }
  const byOther = (run: (other: Other) => Run | undefined) =>
    Object.fromEntries(others.map((other) => [other.name, run(other)]))
  const echoes = (callers: number, each: number): Record<string, Run | undefined> => ({
    [BOTH]: () => elixir.calls(beamServer.name, callers, some(each), `binary ${SIZE}`),
    [OURS]: () => elixir.calls(tsServer.name, callers, some(each), `binary ${SIZE}`),
    'beamjoin -> beamjoin': () => ts.calls(tsServer.name, callers, some(each), `binary ${SIZE}`),
    ...byOther((other) => () => other.calls(callers, some(each), SIZE)),
  })
  return [
    {
      id: 'others-call',
      what: 'echo of 1 KiB, one call after the other, beside others',
      unit: 'us',
      better: 'less',
      contestants: contestants(echoes(1, 3_000), (rate) => 1e6 / rate),
    },
    {
      id: 'others-calls-64',
      what: 'echo of 1 KiB, 64 callers at a time, beside others',
      unit: 'calls/s',
      better: 'more',
      contestants: contestants(echoes(64, 300)),
    },
    {
      id: 'others-integers',
      what: 'echo of a list of 200 integers, beside a C node',
      unit: 'calls/s',
      better: 'more',
      contestants: contestants({
        [BOTH]: () => elixir.calls(beamServer.name, 1, some(4_000), 'integers'),
        [OURS]: () => elixir.calls(tsServer.name, 1, some(4_000), 'integers'),
        ...byOther(({ integers }) => integers && (() => integers(some(4_000)))),
      }),
    },
    {
      id: 'others-casts',
      what: 'casts received, beside a C node',
      unit: 'casts/s',
      better: 'more',
      contestants: contestants({
        [BOTH]: () => elixir.casts(beamServer.name, some(200_000)),
        [OURS]: () => elixir.casts(tsServer.name, some(200_000)),
        ...byOther(({ casts }) => casts && (() => casts(some(200_000)))),
      }),
    },
  ]
}

/** Those that start nodes of their own, or wait; measured less often. */
function slowCases(players: Players, some: (count: number) => number): Case[] {
  const { field, elixir, beamServer, tsServer } = players
  const CROWD = some(50)
  const byServer = (measure: (server: Server) => Measure): Record<string, Measure> => ({
    BEAM: measure(beamServer),
    beamjoin: measure(tsServer),
  })
  return [
    {
      id: 'failover',
      what: `failover of ${some(10_000)} children of a killed node, each`,
      unit: 'us',
      better: 'less',
      rounds: 3,
      contestants: {
        BEAM: () => failoverOfBeam(field, some(10_000)),
        beamjoin: () => failover(field, some(10_000)),
      },
    },
    {
      id: 'idle',
      what: `processor time with ${CROWD} idle connections`,
      unit: '% of a core',
      better: 'less',
      target: { value: 1 },
      rounds: 2,
      contestants: byServer((server) => async () => {
        const leave = await field.crowd(CROWD, server)
        try {
          // What connecting set off comes to its end: collections, and code that is compiled.
          await new Promise((resolve) => setTimeout(resolve, 2000))
          return { value: await cpuPercentWhile(server.pid, some(20_000)) }
        } finally {
          await leave()
        }
      }),
    },
    {
      id: 'connection-memory',
      what: 'memory of a connection',
      unit: 'KiB',
      better: 'less',
      rounds: 2,
      contestants: byServer((server) => async () => {
        const before = await server.memory()
        const leave = await field.crowd(CROWD, server)
        const value = ((await server.memory()) - before) / CROWD / 1024
        await leave()
        return { value }
      }),
    },
    {
      id: 'child-memory',
      what: 'memory of an idle child',
      unit: 'bytes',
      better: 'less',
      rounds: 2,
      contestants: byServer((server) => async () => {
        const count = some(10_000)
        const before = await server.memory()
        await elixir.startChildren(server.name, count, 64)
        const value = ((await server.memory()) - before) / count
        await server.endChildren()
        return { value }
      }),
    },
    {
      id: 'startup',
      what: 'start of a node, from the command to registered',
      unit: 'ms',
      better: 'less',
      contestants: {
        BEAM: async () => ({ value: (await startupOfBeam(field.epmdPort)).total }),
        beamjoin: async () => ({ value: (await startupOfNode(field.epmdPort)).total }),
      },
    },
    {
      id: 'import-and-start',
      what: 'import of the package to registered',
      unit: 'ms',
      better: 'less',
      target: { value: 250 },
      contestants: {
        beamjoin: async () => ({ value: (await startupOfNode(field.epmdPort)).own }),
      },
    },
  ]
}

async function failoverOfBeam(field: Field, count: number): Promise<Sample> {
  const [gone, left] = [await field.beamServer(), await field.beamServer()]
  const eval_ = { timeout: 120_000 }
  await left.peer.eval(`true = Node.connect(:"${gone.name}")`)
  await gone.peer.eval(`GenServer.call(Bench.Failover, {:run, Enum.to_list(1..${count})}, :infinity)`, eval_)
  await left.peer.eval(
    `GenServer.call(Bench.Failover, {:follow, :"${gone.name}", Enum.to_list(1..${count})})`,
  )
  const begun = performance.now()
  await gone.peer.kill()
  await left.peer.eval(
    `Enum.find(Stream.repeatedly(fn -> Process.sleep(5); DynamicSupervisor.count_children(Bench.Children).active end), & &1 == ${count})`,
    eval_,
  )
  const value = ((performance.now() - begun) * 1000) / count
  await left.peer.kill()
  return { value }
}

async function failover(field: Field, count: number): Promise<Sample> {
  const [gone, left] = [await field.tsServer(), await field.tsServer()]
  await gone.node.run('distribute')
  await left.node.run('connect', gone.name)
  await left.node.run('distribute')
  await gone.node.run('runChildren', count)
  await until(async () => (await left.node.run('countAll')) === count)
  const begun = performance.now()
  await gone.node.kill()
  await until(async () => (await left.node.run('countLocal')) === count)
  const value = ((performance.now() - begun) * 1000) / count
  await left.node.kill()
  return { value }
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5))
}

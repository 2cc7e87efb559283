/**
 * One codec in a process of its own. It is warmed with all documents mixed, both ways, so that none of its code is
 * specialised for one of them; then it measures what it is asked for.
 */
import { CODECS, type CodecName } from './codecs.ts'
import type { Job, Jobs } from './job.ts'

export type Request =
  | { readonly kind: 'time'; readonly document: string; readonly way: Way; readonly ms: number }
  | { readonly kind: 'memory'; readonly document: string }

export type Way = 'encode' | 'decode'

export interface Ready {
  /** Bytes of each document, and of each variant of one. */
  readonly sizes: Readonly<Record<string, number>>
}

const WARM_MS = 1500

/** What was made last, where the optimiser cannot do without it. */
let sink: unknown

/** Nanoseconds of processor time of this process. The clock would count what other processes take as well. */
function now(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) * 1000
}

function warm(jobs: Jobs): void {
  const end = now() + WARM_MS * 1e6
  while (now() < end) {
    for (const job of Object.values(jobs)) {
      // The small ones as long as the large ones.
      const times = Math.max(1, Math.min(200, Math.floor(20_000 / job.bytes.length)))
      for (let i = 0; i < times; i++) {
        sink = job.encode()
        sink = job.decode()
      }
    }
  }
}

/** Nanoseconds of processor time per call, over at least `ms`. */
function time(job: Job, way: Way, ms: number): number {
  const run = way === 'encode' ? job.encode : job.decode
  const start = now()
  const end = start + ms * 1e6
  let calls = 0
  let batch = 1
  let at = start
  while (at < end) {
    for (let i = 0; i < batch; i++) sink = run()
    calls += batch
    const last = at
    at = now()
    // A look at the clock every half millisecond or so.
    if (at - last < 250_000) batch *= 2
  }
  return (at - start) / calls
}

/** Bytes that one decoded document keeps, apart from the bytes it came from. */
function memory(job: Job): number {
  const copies = Math.max(20, Math.min(20_000, Math.floor(20e6 / job.bytes.length)))
  const kept: unknown[] = new Array(copies).fill(undefined)
  const before = used()
  for (let i = 0; i < copies; i++) kept[i] = job.decode()
  const after = used()
  sink = kept
  return Math.max(0, after - before) / copies
}

function used(): number {
  const collect = globalThis.gc
  if (collect === undefined) throw new Error('run with --expose-gc')
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

async function main(): Promise<void> {
  const jobs = await CODECS[process.argv[2] as CodecName]()
  warm(jobs)
  const sizes: Record<string, number> = {}
  for (const [name, job] of Object.entries(jobs)) sizes[name] = job.bytes.length
  process.on('message', (request: Request) => {
    const job = jobs[request.document]
    if (job === undefined) throw new Error(`no such document: ${request.document}`)
    process.send!(request.kind === 'time' ? time(job, request.way, request.ms) : memory(job))
  })
  process.on('disconnect', () => process.exit())
  process.send!({ sizes } satisfies Ready)
}

await main()
void sink

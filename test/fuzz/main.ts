/**
 * Fuzzes what takes bytes from others: `npm run test:fuzz`, for some seconds each.
 *
 *   npm run test:fuzz -- [--minutes N | --seconds N] [--seed N] [decode] [framing] [handshake]
 *   npm run test:fuzz -- --file FILE decode      runs one input, such as one that was found
 *
 * Exits with 1 for a finding, which it keeps in .tap/fuzz, and for a target that does not load or stands still.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { bundleModule } from './bundle.ts'
import { instrument } from './coverage.ts'
import { type Order, type Report, SHARED_HEAD } from './shared.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const OUT = `${ROOT}.tap/fuzz`
const DEFAULT_SECONDS = 10
/** Many times what one input takes, also on a busy machine. */
const STANDSTILL = 60_000
const MAX_INPUT = 1 << 20

const TARGETS = readdirSync(new URL('targets/', import.meta.url)).map((file) => file.replace('.ts', ''))

interface Wanted {
  readonly seed: number
  readonly milliseconds: number
  readonly input: Uint8Array | undefined
}

/** Runs a target in a thread; rejects when it fails otherwise than by a finding, or stands still. */
async function run(target: string, { seed, milliseconds, input }: Wanted): Promise<Report> {
  const shared = new SharedArrayBuffer(SHARED_HEAD + MAX_INPUT)
  const words = new Uint32Array(shared, 0, 2)
  const script = await bundleModule(new URL(`targets/${target}.ts`, import.meta.url), OUT, instrument)
  const program = await bundleModule(new URL('./worker.ts', import.meta.url), OUT)
  const worker = new Worker(program, {
    workerData: { script, seed, milliseconds, shared, input } satisfies Order,
  })
  let [before, since] = [0, Date.now()]
  return new Promise<Report>((resolve, reject) => {
    const watch = setInterval(() => {
      if (words[0] !== before) [before, since] = [words[0]!, Date.now()]
      else if (Date.now() - since > STANDSTILL) {
        const bytes = new Uint8Array(shared, SHARED_HEAD, words[1])
        resolve({
          executions: before,
          corpus: 0,
          branches: 0,
          finding: { bytes: bytes.slice(), error: 'hangs' },
        })
      }
    }, 1000)
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', (code) => {
      clearInterval(watch)
      reject(new Error(`the thread ended with exit code ${code} and without a report`))
    })
  }).finally(async () => {
    await worker.terminate()
    for (const file of [program, script]) rmSync(file, { force: true })
  })
}

async function fuzzTarget(target: string, wanted: Wanted): Promise<boolean> {
  const { executions, corpus, branches, finding } = await run(target, wanted)
  const what = `${target}: ${executions} executions, ${corpus} inputs kept, ${branches} branches covered`
  if (finding === undefined) {
    console.log(`${what}, nothing found`)
    return true
  }
  const file = `${OUT}/${target}-${wanted.seed}.bin`
  writeFileSync(file, finding.bytes)
  console.error(`${what}; FAILED on ${Buffer.from(finding.bytes.subarray(0, 500)).toString('hex')}`)
  console.error(finding.error)
  console.error(`again: npm run test:fuzz -- --file ${file} ${target}`)
  return false
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      minutes: { type: 'string' },
      seconds: { type: 'string' },
      seed: { type: 'string' },
      file: { type: 'string' },
    },
  })
  const unknown = positionals.filter((name) => !TARGETS.includes(name))
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
  const seconds =
    Number(values.minutes ?? 0) * 60 + Number(values.seconds ?? (values.minutes ? 0 : DEFAULT_SECONDS))
  if (unknown.length > 0 || !Number.isInteger(seed) || !(seconds > 0)) {
    throw new Error(
      `usage: npm run test:fuzz -- [--minutes N | --seconds N] [--seed N] [${TARGETS.join('] [')}]`,
    )
  }
  mkdirSync(OUT, { recursive: true })
  const input = values.file === undefined ? undefined : new Uint8Array(readFileSync(values.file))
  const targets = positionals.length > 0 ? positionals : TARGETS
  console.log(`SEED=${seed}, ${seconds} seconds for ${targets.join(', ')}`)
  let clean = true
  for (const target of targets) {
    // The time is shared out: most of it is the codec's, which has most to take wrongly.
    const share = targets.length === 1 ? 1 : target === 'decode' ? 0.6 : 0.4 / (targets.length - 1)
    const good = await fuzzTarget(target, { seed, milliseconds: seconds * share * 1000, input })
    clean &&= good
  }
  if (!clean) process.exitCode = 1
}

try {
  await main()
} catch (error) {
  console.error(`beamjoin: ${(error as Error).stack}`)
  process.exitCode = 1
}

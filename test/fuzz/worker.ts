/** The thread in which a target is fuzzed. What it runs stands in shared memory, for the thread that watches it. */
import { pathToFileURL } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import { randomFrom } from '../support/random.ts'
import { Coverage } from './coverage.ts'
import { fuzz, type Target } from './fuzzer.ts'
import { type Order, type Report, SHARED_HEAD } from './shared.ts'

const { script, seed, milliseconds, shared, input } = workerData as Order
const words = new Uint32Array(shared, 0, 2)
const bytes = new Uint8Array(shared, SHARED_HEAD)

function onInput(given: Uint8Array): void {
  const kept = given.subarray(0, bytes.length)
  bytes.set(kept)
  words[1] = kept.length
  Atomics.add(words, 0, 1)
}

const coverage = new Coverage()
const loaded = (await import(pathToFileURL(script).href)) as Target
const target = input === undefined ? loaded : { ...loaded, seeds: () => [input] }
const end = performance.now() + milliseconds
const goesOn = (): boolean => input === undefined && performance.now() < end
const { finding, ...numbers } = fuzz(target, { random: randomFrom(seed), coverage, goesOn, onInput })
const error = finding?.error instanceof Error ? (finding.error.stack ?? '') : String(finding?.error)
parentPort?.postMessage({
  ...numbers,
  finding: finding && { bytes: Uint8Array.from(finding.bytes), error },
} satisfies Report)

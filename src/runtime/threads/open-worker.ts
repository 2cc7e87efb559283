/**
 * Starts a worker with the entry of this package. From sources, and for modules in TypeScript, tsx is registered in it
 * first where it is installed: Node passes `--import=tsx` on, but tsx minds the main thread only.
 */
import { Worker, type WorkerOptions } from 'node:worker_threads'
import { findTsx } from './tsx.ts'

const isSource = import.meta.url.endsWith('.ts')
const ENTRY = new URL(`./worker-main.${isSource ? 'ts' : 'js'}`, import.meta.url)

/** A worker begins with this when its entry is TypeScript. */
const REGISTER_FIRST = (tsx: string): string =>
  `import(${JSON.stringify(tsx)}).then(({ register }) => { register(); return import(${JSON.stringify(ENTRY.href)}) })`

export function openWorker(options: WorkerOptions): Worker {
  const tsx = isSource ? findTsx(import.meta.url) : undefined
  if (tsx === undefined) return new Worker(ENTRY, options)
  return new Worker(REGISTER_FIRST(tsx), { ...options, eval: true })
}

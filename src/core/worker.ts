/**
 * Starts a worker thread with a module of this package. From sources, and where tsx is installed, tsx is registered in it
 * first: Node passes `--import=tsx` on, but tsx minds the main thread only.
 *
 * This is a door of core of its own, beside `index.ts`, because the codec must not load anything from `node:`.
 */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { Worker, type WorkerOptions } from 'node:worker_threads'

/** @param entry the module, without its extension; `from`: the `import.meta.url` it is relative to */
export function openWorker(entry: string, from: string, options: WorkerOptions): Worker {
  const isSource = from.endsWith('.ts')
  const url = new URL(`${entry}.${isSource ? 'ts' : 'js'}`, from)
  const tsx = isSource ? findTsx(from) : undefined
  if (tsx === undefined) return new Worker(url, options)
  const load = `import(${JSON.stringify(tsx)}).then(({ register }) => { register(); return import(${JSON.stringify(url.href)}) })`
  return new Worker(load, { ...options, eval: true })
}

/** The URL of tsx's `register`, as the module at `url` would import it; undefined when it is not installed there. */
export function findTsx(url: string): string | undefined {
  try {
    const path = createRequire(url).resolve('tsx/esm/api')
    // Found as `require` finds it, but only the module for `import` is complete.
    return pathToFileURL(path.replace(/\.cjs$/, '.mjs')).href
  } catch {
    return undefined
  }
}

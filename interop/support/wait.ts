/**
 * Waiting without sleeping, free ports, and cleaning up in reverse order, for the interop tests.
 */
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

export interface WaitOptions {
  /** Milliseconds until it gives up; 20,000, since a busy machine takes its time. */
  readonly timeout?: number
  /** Milliseconds between two looks; 10. */
  readonly interval?: number
  /** What is waited for, named in the error. */
  readonly what: string
}

/**
 * Polls `condition` until it returns something truthy, and returns that. A condition that throws counts as not yet met;
 * its last error is the cause of the error that a timeout rejects with.
 */
export async function waitFor<T>(
  condition: () => T | PromiseLike<T>,
  { timeout = 20_000, interval = 10, what }: WaitOptions,
): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeout
  let last: unknown
  for (;;) {
    try {
      last = await condition()
      if (last) return last as NonNullable<T>
    } catch (error) {
      last = error
    }
    if (performance.now() >= deadline) {
      const seen = last instanceof Error ? last.message : String(last)
      throw new Error(`waited ${timeout} ms for ${what}; at the end: ${seen}`, { cause: last })
    }
    await new Promise((resolve) => setTimeout(resolve, interval))
  }
}

/**
 * Ports that no system gives out by itself: what is free there stays so, where a port of the system's own choice may be
 * the near end of somebody's connection a moment later.
 */
const FIRST_PORT = 10_000
const LAST_PORT = 30_000

/** A TCP port of 127.0.0.1 that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST_PORT, LAST_PORT)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false)
      else reject(error)
    })
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** Something to undo at the end; may be asynchronous. */
export type Cleanup = () => unknown

/**
 * Runs `body` and then, whether it failed or not, everything that it deferred, last first. A cleanup that fails does
 * not stop the others. Rejects with the body's error, or else with the first error of a cleanup.
 *
 * @example
 * await withCleanup(async (defer) => {
 *   const node = await startNode({ name: 'ts@127.0.0.1', cookie: 'c' })
 *   defer(() => node.stop())
 * })
 */
export async function withCleanup<T>(body: (defer: (cleanup: Cleanup) => void) => Promise<T>): Promise<T> {
  const cleanups: Cleanup[] = []
  const errors: unknown[] = []
  let result: T | undefined
  try {
    result = await body((cleanup) => cleanups.push(cleanup))
  } catch (error) {
    errors.push(error)
  }
  for (const cleanup of cleanups.reverse()) {
    try {
      await cleanup()
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw errors[0]
  return result as T
}

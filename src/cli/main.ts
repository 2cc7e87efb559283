#!/usr/bin/env node
/** The `beamjoin` command: a command line from the process, and its exit code back to it. */
import { runCommandLine } from './run.ts'

async function main(): Promise<void> {
  const interrupt = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // The first one asks; a second one ends at once, should leaving ever hang.
    process.once(signal, () => {
      interrupt.abort()
      process.once(signal, () => process.exit(1))
    })
  }
  // A reader that goes away (`beamjoin names | head -1`) is not an error of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
  process.exitCode = await runCommandLine(process.argv.slice(2), {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    env: process.env,
    interrupted: interrupt.signal,
  })
}

await main()

/**
 * The mix project of interop/elixir as its users get it: compiles without a warning, is formatted, and passes its own
 * ExUnit tests, on the OTP release that the other interop tests run on.
 */
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { test } from 'tap'
import { findBeam, startEpmd } from './peer.ts'
import { beamCommand } from './support/beam.ts'
import { spawnReaped } from './support/reaper.ts'

const PROJECT = fileURLToPath(new URL('./elixir', import.meta.url))
const RING_VECTORS = fileURLToPath(new URL('../test/vectors/ring', import.meta.url))

test('mix compiles the Elixir project without warnings and its tests pass', async (t) => {
  const beam = findBeam()
  const epmd = await startEpmd()
  t.teardown(() => epmd.kill())
  // A copy, so that the build stays out of the work tree and inside the chroot, where there is one.
  const outside = mkdtempSync(join(`${beam.root ?? ''}${tmpdir()}`, 'beamjoin-mix-'))
  t.teardown(() => rmSync(outside, { recursive: true, force: true }))
  const inside = outside.slice(beam.root?.length ?? 0)
  const skipped = ['_build', '.elixir_ls']
  cpSync(PROJECT, outside, {
    recursive: true,
    filter: (path) => !skipped.some((name) => path.endsWith(name)),
  })
  // Out there the tests do not find those of the repository.
  for (const file of readdirSync(RING_VECTORS).filter((name) => name.endsWith('.json'))) {
    cpSync(join(RING_VECTORS, file), join(outside, 'test/vectors/ring', file))
  }

  const mix = async (task: string, ...args: string[]) => {
    const [command, all] = beamCommand(beam, 'sh', ['-c', 'cd "$0" && exec mix "$@"', inside, task, ...args])
    const child = spawnReaped(command, all, {
      env: {
        PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/bin:/sbin:/bin`,
        HOME: inside,
        LC_ALL: 'C.UTF-8',
        ERL_EPMD_PORT: String(epmd.port),
        MIX_ENV: 'test',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const { stdout, stderr } = child.process
    const output = Promise.all([stdout, stderr].map((stream) => (stream ? text(stream) : '')))
    const { code } = await child.exited
    return { code, output: (await output).join('\n') }
  }

  for (const [task = '', ...args] of [
    ['compile', '--warnings-as-errors'],
    ['format', '--check-formatted'],
    ['test', '--no-color'],
  ]) {
    const { code, output } = await mix(task, ...args)
    t.equal(code, 0, `mix ${task}`)
    if (code !== 0) t.comment(output)
    if (task === 'test') t.match(output, /\d+ passed|, 0 failures/, 'tests ran')
  }
})

/**
 * A real browser without a window: Chromium, which root on Debian or Ubuntu gets with apt-get when it is missing. Each
 * run has a profile of its own, which is removed with the browser.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawnReaped } from '../../interop/support/reaper.ts'
import { onPath, runAll } from '../../scripts/ensure-beam.ts'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome']

function findChromium(): string | undefined {
  return NAMES.find(onPath)
}

/** Why there is no browser here, or false when there is one: the `skip` of a test. */
export function whyNotChromium(): string | false {
  if (findChromium() !== undefined) return false
  if (!onPath('apt-get') || process.getuid?.() !== 0) {
    return `no ${NAMES.join(', ')} on the PATH: install Chromium, such as with "sudo apt-get install chromium"`
  }
  process.stderr.write('beamjoin: chromium is not on the PATH: installing it with apt-get\n')
  try {
    const install = ['apt-get', 'install', '--yes', '--no-install-recommends', 'chromium']
    runAll([['apt-get', 'update'], install])
  } catch (error) {
    return `Chromium could not be installed: ${(error as Error).message}`
  }
  return findChromium() === undefined ? 'apt-get installed no Chromium' : false
}

export interface Browser {
  /** Resolves with what it printed when it has ended; never rejects. */
  readonly exited: Promise<string>
  /** Ends it and removes its profile; safe to call twice. */
  close(): Promise<void>
}

/** Opens a page. */
export function openPage(url: string): Browser {
  const profile = mkdtempSync(join(tmpdir(), 'beamjoin-chromium-'))
  const flags = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--disable-dev-shm-usage',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    `--user-data-dir=${profile}`,
  ]
  // The processes of the browser end with the group that the first one leads.
  const child = spawnReaped(findChromium()!, [...flags, url], {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  })
  const errors: Buffer[] = []
  child.process.stderr?.on('data', (chunk: Buffer) => errors.push(chunk))
  const exited = child.exited.then(({ code, signal, error }) => {
    const printed = Buffer.concat(errors).toString('utf8').slice(-2000)
    return `${error?.message ?? `exit code ${code}, signal ${signal}`}: ${printed}`
  })
  const close = async (): Promise<void> => {
    try {
      if (child.process.pid !== undefined) process.kill(-child.process.pid, 'SIGKILL')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
    await exited
    rmSync(profile, { recursive: true, force: true, maxRetries: 10 })
  }
  return { exited, close }
}

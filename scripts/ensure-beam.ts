/**
 * Makes sure that Erlang and Elixir are there for the interop tests: root on Debian or Ubuntu installs them with
 * apt-get, saying so first; everywhere else one line says what to install.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Elixir's package depends on all of Erlang that the tests need. */
const PACKAGES = ['elixir']
const LEAST_OTP = 25
const LEAST_ELIXIR = [1, 14] as const
const WITHOUT = '"npm run test:unit" needs neither'

/** What the machine is, as far as installing goes. */
export interface Machine {
  readonly platform: NodeJS.Platform
  readonly root: boolean
  readonly aptGet: boolean
}

/** Either the commands that install Erlang and Elixir, or the line that tells the user to. */
export type Plan =
  | { readonly announce: string; readonly commands: readonly (readonly string[])[] }
  | { readonly refuse: string }

export function planInstall(missing: readonly string[], machine: Machine): Plan {
  const what = `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} not on the PATH`
  if (machine.aptGet && machine.root) {
    return {
      announce: `${what}: installing ${PACKAGES.join(', ')} with apt-get`,
      commands: [
        ['apt-get', 'update'],
        ['apt-get', 'install', '--yes', '--no-install-recommends', ...PACKAGES],
      ],
    }
  }
  return { refuse: `${what}: ${installHint(machine)}; ${WITHOUT}` }
}

function installHint(machine: Machine): string {
  if (machine.aptGet) return `run "sudo apt-get install ${PACKAGES.join(' ')}"`
  if (machine.platform === 'darwin') return 'run "brew install elixir", which brings Erlang'
  return `install Erlang/OTP ${LEAST_OTP} or newer and Elixir ${LEAST_ELIXIR.join('.')} or newer`
}

/** Why these versions are too old, or undefined. `versions` is what `elixir` prints of itself: `25 1.14.0`. */
export function tooOld(versions: string): string | undefined {
  const [otp = 0, major = 0, minor = 0] = (versions.match(/\d+/g) ?? []).map(Number)
  const elixirOk = major > LEAST_ELIXIR[0] || (major === LEAST_ELIXIR[0] && minor >= LEAST_ELIXIR[1])
  if (otp >= LEAST_OTP && elixirOk) return undefined
  const needed = `OTP ${LEAST_OTP} with Elixir ${LEAST_ELIXIR.join('.')}`
  return `found OTP ${otp} with Elixir ${major}.${minor}, but the tests need ${needed} or newer; ${WITHOUT}`
}

/** Whether a program of this name is on the PATH. */
export function onPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** Runs the commands one after the other with their output on standard error; the error is one line. */
export function runAll(commands: readonly (readonly string[])[]): void {
  for (const [program = '', ...args] of commands) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    // Standard output belongs to the tests' results.
    const { status, error } = spawnSync(program, args, { stdio: ['ignore', 2, 2], env })
    if (error) throw error
    if (status !== 0) throw new Error(`"${[program, ...args].join(' ')}" failed with exit code ${status}`)
  }
}

/** Installs what is missing. Throws an error whose message is the one line to show. */
export function ensureBeam(): void {
  const missing = ['erl', 'elixir'].filter((program) => !onPath(program))
  if (missing.length > 0) {
    const machine = {
      platform: process.platform,
      root: process.getuid?.() === 0,
      aptGet: onPath('apt-get'),
    }
    const plan = planInstall(missing, machine)
    if ('refuse' in plan) throw new Error(plan.refuse)
    process.stderr.write(`beamjoin: ${plan.announce}\n`)
    runAll(plan.commands)
  }
  const print = 'IO.puts("#{System.otp_release()} #{System.version()}")'
  const reason = tooOld(execFileSync('elixir', ['-e', print], { encoding: 'utf8' }))
  if (reason !== undefined) throw new Error(reason)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    ensureBeam()
  } catch (error) {
    process.stderr.write(`beamjoin: ${(error as Error).message}\n`)
    process.exitCode = 1
  }
}

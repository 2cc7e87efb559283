/**
 * Unpacks the OTP releases that the machine does not have into `.beam/otpN`, each with its Elixir: a small Debian of the
 * release that ships it, made by debootstrap and used through chroot. Needs root on Debian (or on a machine that has
 * debootstrap and a Debian mirror). Does nothing for what is there already.
 *
 * An unpacked release appears under its name only when it is complete and has shown its version, so an interrupted run
 * leaves nothing that later ones would take for good.
 */
import { execFileSync, spawn } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { fileURLToPath } from 'node:url'
import { mirrorOf, osRelease, readAptSources } from './apt-sources.ts'
import { onPath, runAll } from './ensure-beam.ts'

const BEAM = fileURLToPath(new URL('../.beam', import.meta.url))

interface Release {
  readonly otp: number
  readonly suite: string
}

/** The Debian release that ships each OTP release of the live test matrix. */
const RELEASES: readonly Release[] = [
  { otp: 25, suite: 'bookworm' },
  { otp: 27, suite: 'trixie' },
  { otp: 29, suite: 'forky' },
]

/** The OTP releases of the matrix. */
export const MATRIX: readonly number[] = RELEASES.map(({ otp }) => otp)

const PACKAGES = ['erlang-base', 'elixir']

/** debootstrap may be older than the release it unpacks; the steps for a newer one are those of unstable. */
const SCRIPTS = '/usr/share/debootstrap/scripts'

/** Prints which OTP release and which Elixir run in the folder that stands for `/`. */
const SHOW_VERSIONS = 'IO.puts("OTP #{System.otp_release()} Elixir #{System.version()}")'

/** Unpacks what is missing and shows what is there. Throws an error whose message is the one line to show. */
export async function unpackMatrix(): Promise<void> {
  const system = systemOtp()
  const missing = RELEASES.filter(({ otp }) => otp !== system && !existsSync(`${BEAM}/otp${otp}`))
  if (missing.length > 0) {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) {
      throw new Error('other OTP releases are unpacked with debootstrap, which needs root on Linux')
    }
    ensureDebootstrap()
    mkdirSync(BEAM, { recursive: true })
    removeLeftovers()
    const mirror = debianMirror()
    const results = await Promise.allSettled(missing.map((release) => unpack(release, mirror)))
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }
  for (const { otp } of RELEASES) {
    if (otp !== system) process.stderr.write(`beamjoin: .beam/otp${otp}: ${versions(`${BEAM}/otp${otp}`)}\n`)
  }
}

async function unpack({ otp, suite }: Release, mirror: string): Promise<void> {
  const target = `${BEAM}/otp${otp}`
  const partial = `${BEAM}/.unpacking-otp${otp}-${process.pid}`
  const log = `${BEAM}/otp${otp}.log`
  process.stderr.write(`beamjoin: unpacking OTP ${otp} (Debian ${suite}) into .beam/otp${otp}\n`)
  const script = existsSync(`${SCRIPTS}/${suite}`) ? [] : [`${SCRIPTS}/sid`]
  const include = `--include=${PACKAGES.join(',')}`
  try {
    await run('debootstrap', ['--variant=minbase', include, suite, partial, mirror, ...script], log)
    for (const unneeded of ['var/cache/apt', 'var/lib/apt/lists', 'usr/share/doc', 'usr/share/locale']) {
      rmSync(`${partial}/${unneeded}`, { recursive: true, force: true })
    }
    const found = versions(partial)
    if (!found.startsWith(`OTP ${otp} `)) throw new Error(`Debian ${suite} has ${found}, expected OTP ${otp}`)
    renameSync(partial, target)
  } finally {
    removeTree(partial)
  }
}

/** Runs a command with its output in a file, whose end is shown when the command fails. */
function run(command: string, args: readonly string[], logFile: string): Promise<void> {
  const log = openSync(logFile, 'w')
  return new Promise<void>((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', log, log] })
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) return resolve()
      const end = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-3).join(' / ')
      return reject(new Error(`${command} failed with exit code ${code}: ${end} (all of it: ${logFile})`))
    })
  }).finally(() => closeSync(log))
}

function versions(root: string): string {
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/tmp', LC_ALL: 'C.UTF-8' }
  return execFileSync('chroot', [root, 'elixir', '-e', SHOW_VERSIONS], { encoding: 'utf8', env }).trim()
}

function systemOtp(): number | undefined {
  if (!onPath('erl')) return undefined
  const print = 'io:format("~s", [erlang:system_info(otp_release)]), halt().'
  return Number(execFileSync('erl', ['-noshell', '-eval', print], { encoding: 'utf8' }))
}

function ensureDebootstrap(): void {
  if (onPath('debootstrap')) return
  if (!onPath('apt-get')) throw new Error('debootstrap is not on the PATH: install it')
  process.stderr.write('beamjoin: debootstrap is not on the PATH: installing it with apt-get\n')
  runAll([
    ['apt-get', 'update'],
    ['apt-get', 'install', '--yes', '--no-install-recommends', 'debootstrap'],
  ])
}

function debianMirror(): string {
  const named = process.env['BEAMJOIN_DEBIAN_MIRROR']
  if (named !== undefined && named !== '') return named
  const suite = osRelease('VERSION_CODENAME')
  const debian = osRelease('ID') === 'debian' && suite !== undefined
  const mirror = debian ? mirrorOf(readAptSources(), suite) : undefined
  if (mirror === undefined) {
    throw new Error(
      'the apt configuration names no Debian mirror: set BEAMJOIN_DEBIAN_MIRROR to the address of one',
    )
  }
  return mirror
}

/** What an interrupted run of a process that is gone left behind. */
function removeLeftovers(): void {
  for (const name of readdirSync(BEAM)) {
    const pid = /^\.unpacking-otp\d+-(\d+)$/.exec(name)?.[1]
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) removeTree(`${BEAM}/${name}`)
  }
}

/** debootstrap mounts file systems while it works; one that is still mounted must not be emptied. */
function removeTree(folder: string): void {
  if (!existsSync(folder)) return
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n')
  const inside = mounts
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${folder}/`))
  for (const path of inside.reverse()) execFileSync('umount', ['--lazy', path])
  rmSync(folder, { recursive: true, force: true })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await unpackMatrix()
  } catch (error) {
    process.stderr.write(`beamjoin: ${(error as Error).message}\n`)
    process.exitCode = 1
  }
}

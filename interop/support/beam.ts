/**
 * Where to find which BEAM: the machine's own Erlang and Elixir, or another release that scripts/beam-matrix.ts has
 * unpacked into `.beam/otpN`, which is used through chroot.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** One installed BEAM. */
export interface Beam {
  /** The OTP release, such as 25. */
  readonly otp: number
  /** The folder that stands for `/`, for a release under `.beam`. */
  readonly root: string | undefined
}

let systemOtp: number | undefined

/**
 * The BEAM of this OTP release. Left out: the release that the environment variable BEAMJOIN_OTP names, else the
 * machine's own. Throws an error that says what to install.
 */
export function findBeam(otp: number | undefined = wantedOtp()): Beam {
  const root = `${ROOT}.beam/otp${otp}`
  if (otp !== undefined && existsSync(`${root}/usr/bin/erl`)) {
    knowHosts(root)
    return { otp, root }
  }
  const system = systemRelease()
  if (system !== undefined && (otp === undefined || otp === system)) return { otp: system, root: undefined }
  if (otp === undefined) throw new Error('no erl on the PATH: run "npm test", which installs it or says how')
  throw new Error(`OTP ${otp} is neither the machine's own nor unpacked: run "npm run beam:matrix"`)
}

/** A release that was unpacked knows no host names; the machine's are given to it, so that `localhost` means something. */
function knowHosts(root: string): void {
  const inside = `${root}/etc/hosts`
  const hosts = readFileSync('/etc/hosts', 'utf8')
  if (existsSync(inside) && readFileSync(inside, 'utf8') === hosts) return
  // Other tests may be at it too: a file that is there is whole.
  const draft = `${inside}.${process.pid}`
  writeFileSync(draft, hosts)
  renameSync(draft, inside)
}

/**
 * Why tests with this OTP release cannot run here, or false when they can: the `skip` option of a test.
 *
 * @example test('pg of OTP 29 takes us in', { skip: whyNotOtp(29) }, async (t) => {})
 */
export function whyNotOtp(otp: number): string | false {
  try {
    findBeam(otp)
    return false
  } catch (error) {
    return (error as Error).message
  }
}

/** Command and arguments that run `program` of this BEAM. Every step execs, so the child's pid is the program's. */
export function beamCommand(beam: Beam, program: string, args: readonly string[]): [string, string[]] {
  return beam.root === undefined ? [program, [...args]] : ['chroot', [beam.root, program, ...args]]
}

function wantedOtp(): number | undefined {
  const wanted = process.env['BEAMJOIN_OTP']
  if (wanted === undefined || wanted === '') return undefined
  const otp = Number(wanted)
  if (!Number.isInteger(otp)) throw new Error(`BEAMJOIN_OTP is "${wanted}": expected a release such as 27`)
  return otp
}

function systemRelease(): number | undefined {
  if (systemOtp !== undefined) return systemOtp
  const print = 'io:format("~s", [erlang:system_info(otp_release)]), halt().'
  try {
    systemOtp = Number(execFileSync('erl', ['-noshell', '-eval', print], { encoding: 'utf8' }))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return systemOtp
}

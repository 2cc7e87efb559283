/** The packages of compat/package.json, installed when they are first needed. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const COMPAT = fileURLToPath(new URL('../', import.meta.url))
const PACKAGES = `${COMPAT}node_modules`

/** Why "npm ci" failed; undefined when it did not, or has not run. */
let problem: string | undefined

/** Does it once, and nothing where it has been done. */
export function installPackages(): void {
  if (existsSync(`${PACKAGES}/.package-lock.json`) || problem !== undefined) return
  process.stderr.write(
    'beamjoin: installing what compat/ compares with into compat/node_modules with "npm ci"\n',
  )
  const { status, stderr } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: COMPAT,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  })
  if (status !== 0) problem = `"npm ci" failed in compat/: ${stderr.trim().split('\n').slice(-3).join(' / ')}`
}

/** Why a package cannot be used here, or false when it can: the `skip` of a test. */
export function whyNotPackage(name: string): string | false {
  installPackages()
  if (existsSync(`${PACKAGES}/${name}`)) return false
  return (
    problem ?? `npm left out ${name}, which is optional: "npm ci --foreground-scripts" in compat/ says why`
  )
}

/** The path of a program of such a package. */
export function programOf(name: string): string {
  return `${PACKAGES}/.bin/${name}`
}

/** Why a program does not run here, or false when it does. */
export function whyNotProgram(name: string): string | false {
  const missing = whyNotPackage(name)
  if (missing !== false) return missing
  const { status, error, stderr } = spawnSync(programOf(name), ['--version'], { encoding: 'utf8' })
  return status === 0 ? false : `${name} does not run here: ${error?.message ?? stderr.trim().slice(0, 200)}`
}

/** A package, as `require` gives it. */
export function loadPackage(name: string): unknown {
  return createRequire(`${COMPAT}package.json`)(name)
}

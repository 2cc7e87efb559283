/**
 * Runs the tests: `unit` (test/, needs no other program), `interop` (interop/, needs Erlang and Elixir), `all` of these, or
 * `compat` (compat/, the codec in other runtimes and beside another codec).
 * `matrix` unpacks the other OTP releases and runs `interop` on each. More arguments go to tap; the ones that are not
 * options are test files, which are run instead of the whole set.
 *
 * Erlang and Elixir are made sure of first (ensure-beam.ts). What a test says it could not do here is listed at the end
 * with the reason, so nothing is left out in silence.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { whyNotChromium } from '../compat/support/chromium.ts'
import { installPackages } from '../compat/support/packages.ts'
import { MATRIX, unpackMatrix } from './beam-matrix.ts'
import { ensureBeam } from './ensure-beam.ts'
import { countTap } from './tap-counts.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const TAP = `${ROOT}/node_modules/.bin/tap`
const TAP_BUILT = `${ROOT}/node_modules/@tapjs/test/test-built/dist/esm/index.js`
const FOLDERS = {
  unit: ['test'],
  interop: ['interop'],
  compat: ['compat'],
  all: ['test', 'interop'],
} as const
const USAGE = 'usage: run-tests.ts unit|interop|compat|all|matrix [TAP-OPTION|FILE]...'

type TestSet = keyof typeof FOLDERS

async function main([what = '', ...rest]: readonly string[]): Promise<number> {
  if (what === 'matrix') return runMatrix(rest)
  if (!isTestSet(what)) throw new Error(USAGE)
  // A release of the matrix brings all that is needed with it.
  if ((what === 'interop' || what === 'all') && !process.env['BEAMJOIN_OTP']) ensureBeam()
  if (what !== 'compat') return runTap(what, rest, process.env)
  prepareCompat()
  // One file runs all tests of the codec in a runtime that may start slowly.
  return runTap(what, ['--timeout=300', ...rest], process.env)
}

/** Installs what is missing before the clocks of the tests start. What cannot be had, they say themselves. */
function prepareCompat(): void {
  installPackages()
  whyNotChromium()
}

async function runMatrix(rest: readonly string[]): Promise<number> {
  await unpackMatrix()
  let worst = 0
  for (const otp of MATRIX) {
    process.stderr.write(`beamjoin: interop on OTP ${otp}\n`)
    worst = Math.max(worst, runTap('interop', rest, { ...process.env, BEAMJOIN_OTP: String(otp) }))
  }
  return worst
}

function runTap(set: TestSet, rest: readonly string[], env: NodeJS.ProcessEnv): number {
  buildTapOnce()
  const named = rest.filter((argument) => !argument.startsWith('-'))
  const options = rest.filter((argument) => argument.startsWith('-'))
  const files = named.length > 0 ? named : FOLDERS[set].flatMap(testFiles)
  if (files.length === 0) throw new Error(`there is no test in ${FOLDERS[set].join(', ')}`)
  const rawFile = outputFile(options) ?? `${ROOT}/.tap/${set}.tap`
  mkdirSync(`${ROOT}/.tap`, { recursive: true })
  rmSync(rawFile, { force: true })
  const args = ['run', ...options.filter((option) => outputFile([option]) === undefined)]
  const { status, signal, error } = spawnSync(TAP, [...args, `--output-file=${rawFile}`, ...files], {
    cwd: ROOT,
    env,
    stdio: 'inherit',
  })
  if (error) throw error
  if (existsSync(rawFile)) {
    for (const { file, name, reason } of countTap(readFileSync(rawFile, 'utf8')).notRun) {
      process.stderr.write(`not run: ${file}: ${name}: ${reason}\n`)
    }
  }
  return signal === null ? (status ?? 1) : 1
}

/** tap compiles its own class for the plugins of .taprc; before that, the first `tap run` after npm ci fails. */
function buildTapOnce(): void {
  const built = existsSync(TAP_BUILT) ? readFileSync(TAP_BUILT, 'utf8') : ''
  const plugins = /export const signature = `([^`]*)`/.exec(built)?.[1]
  if (plugins !== undefined && !plugins.includes('@tapjs/typescript')) return
  const { status } = spawnSync(TAP, ['build'], { cwd: ROOT, stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new Error('"tap build" failed: remove node_modules and run "npm ci"')
}

function testFiles(folder: string): string[] {
  return readdirSync(`${ROOT}/${folder}`, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts') && !file.includes('node_modules'))
    .map((file) => `${folder}/${file}`)
    .sort()
}

function outputFile(options: readonly string[]): string | undefined {
  return options.map((option) => /^(?:--output-file=|-o)(.+)$/.exec(option)?.[1]).find(Boolean)
}

function isTestSet(what: string): what is TestSet {
  return Object.hasOwn(FOLDERS, what)
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`beamjoin: ${(error as Error).message}\n`)
  process.exitCode = 1
}

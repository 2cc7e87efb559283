/** What a benchmark needs besides the sources: the package compiled as users get it, and the packages of bench/. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const BENCH = fileURLToPath(new URL('.', import.meta.url))
const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** What benchmarks look into, besides what the package exports. */
const MODULES = ['runtime/index', 'dist/frame-reader', 'dist/frame-writer']

/** Builds the package into bench/.build. */
export function build(): void {
  const args = ['--import=tsx', 'scripts/build.ts', 'bench/.build', ...MODULES]
  execFileSync(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 2, 2] })
}

/** Installs the other codecs, which are the packages of bench/package.json. */
export function install(): void {
  installPackages(BENCH)
}

/** Installs the packages of a folder's package.json there, when they are not those of its lock file. */
export function installPackages(folder: string): void {
  const lock = readFileSync(`${folder}package-lock.json`, 'utf8')
  if (installedVersions(folder) === wantedVersions(lock)) return
  const shown = relative(ROOT, folder)
  process.stderr.write(`beamjoin: installing what is compared into ${shown}/node_modules with "npm ci"\n`)
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: folder,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  if (status !== 0) process.stderr.write('beamjoin: "npm ci" failed; going on with what is there\n')
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version?: string; readonly optional?: boolean }>>
}

/** Optional packages are there or not, whatever was tried. */
function wantedVersions(lock: string): string {
  return versions(JSON.parse(lock) as Lock)
}

function installedVersions(folder: string): string {
  const file = `${folder}node_modules/.package-lock.json`
  return existsSync(file) ? versions(JSON.parse(readFileSync(file, 'utf8')) as Lock) : ''
}

function versions({ packages }: Lock): string {
  return Object.entries(packages)
    .filter(([path, { optional }]) => path !== '' && optional !== true)
    .map(([path, { version }]) => `${path}@${version}`)
    .sort()
    .join(' ')
}

/** The version of a package of bench/, or undefined when it is not installed. */
export function versionOf(name: string): string | undefined {
  const require = createRequire(`${BENCH}package.json`)
  for (const folder of require.resolve.paths(name) ?? []) {
    const file = `${folder}/${name}/package.json`
    if (existsSync(file)) return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
  }
  return undefined
}

/**
 * Checks the package as users get it: packs it, installs the tarball in an empty project, imports every entry point,
 * type-checks a consumer against its declarations, and runs its command line.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const EXPECTED_FILES = /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|dist\/.+\.(js|js\.map|d\.ts))$/

interface Manifest {
  readonly name: string
  readonly version: string
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>
}

interface Packed {
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}

const manifest = JSON.parse(readFileSync(`${ROOT}/package.json`, 'utf8')) as Manifest

/** What an application writes against the package; kept to names that design.md fixes. */
const CONSUMER = `
import { atom, GenServer, reply, startNode, tuple, type Term } from 'beamjoin'
import { decode, encode, EXACT, inspect } from 'beamjoin/etf'
import { EpmdClient, EpmdServer } from 'beamjoin/epmd'
import { PubSub } from 'beamjoin/pubsub'
import { supervisorMetrics } from 'beamjoin/telemetry'
import { DistributedSupervisor } from 'beamjoin/supervisor'
import { assertReceive, TestCluster } from 'beamjoin/testing'

class Counter extends GenServer<number> {
  override init() {
    return 0
  }
  override handleCall(_request: Term, _from: unknown, state: number) {
    return reply(state, state)
  }
}

export async function main(): Promise<string> {
  const node = await startNode({ name: 'ts@127.0.0.1', cookie: 'secret' })
  const ds = await DistributedSupervisor.startLink(node, { name: 'DS', modules: { MyGenServer: Counter } })
  const { pid } = await ds.startChild([Counter, { name: atom('MGS') }])
  const state = await node.call(pid, atom('get'), { timeout: 1000 })
  await node.stop()
  const pair = tuple(atom('ok'), 1)
  const first: { readonly name: 'ok' } = pair[0]
  return inspect(state) + first.name + inspect(decode(encode(tuple(1, 'a')), EXACT))
}

export const parts: readonly unknown[] = [
  EpmdClient,
  EpmdServer,
  PubSub,
  assertReceive,
  supervisorMetrics,
  TestCluster,
]
`

/** A thread finds its module, and the module finds the package. */
const THREADS = `
import { atom, thread } from 'beamjoin'
import { TestCluster } from 'beamjoin/testing'

const cluster = new TestCluster({ clock: 'system' })
const [node] = await cluster.start('a')
const pid = await node.startLink(thread(new URL('./echo.js', import.meta.url)), { greeting: 'hello' })
const answer = await node.call(pid, atom('greet'), { timeout: 60_000 })
if (answer !== 'hello from a thread') throw new Error('the thread answered ' + String(answer))
await cluster.stop()
`
const ECHO = `
import { GenServer, reply } from 'beamjoin'

export default class Echo extends GenServer {
  init({ greeting }) {
    return greeting
  }
  handleCall(request, from, greeting) {
    return reply(greeting + ' from a thread', greeting)
  }
}
`

/** The codec has to type-check where neither Node's types nor the browser's are known. */
const CODEC_CONSUMER = `
import { atom, decode, encode, inspect, type Term } from 'beamjoin/etf'

const bytes: Uint8Array = encode({ a: atom('b'), list: [1, 2n, 1.5, null] })
const term: Term = decode(bytes)
export const text: string = inspect(term)
`

/** The types of @msgpack/msgpack use some of the browser's. */
const MSGPACK_CONSUMER = `
import { decode, encode } from '@msgpack/msgpack'
import { atom, tuple } from 'beamjoin/etf'
import { termCodec } from 'beamjoin/msgpack'

const extensionCodec = termCodec({ depth: 10 })
export const back: unknown = decode(encode(tuple(atom('ok'), 1), { extensionCodec }), { extensionCodec })
`

function check(what: string, body: () => void): void {
  try {
    body()
    console.log(`package: ${what}: ok`)
  } catch (error) {
    const { message, stdout } = error as Error & { readonly stdout?: string }
    console.error(`package: ${what}: ${message}${stdout ? `\n${stdout}` : ''}`)
    process.exitCode = 1
  }
}

function run(cwd: string, command: string, ...args: string[]): string {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
}

/** The entry point that needs a package of the user's. */
const OPTIONAL = './msgpack'
const PEER = '@msgpack/msgpack'

/** A program that imports each of these entry points and fails when one exports nothing. */
function importer(subpaths: readonly string[]): string {
  return subpaths
    .map((subpath) => {
      const name = JSON.stringify(manifest.name + subpath.slice(1))
      return `if (Object.keys(await import(${name})).length === 0) throw new Error(${name} + ' exports nothing')`
    })
    .join('\n')
}

function tsconfig(files: readonly string[], options: Readonly<Record<string, unknown>>): string {
  const compilerOptions = {
    target: 'es2022',
    lib: ['es2023', 'esnext.disposable'],
    module: 'nodenext',
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
    ...options,
  }
  return JSON.stringify({ compilerOptions, files })
}

/** Packs into the folder; the name of the tarball and the files in it. npm prints what the build prints first. */
function pack(folder: string): Packed {
  const output = run(ROOT, 'npm', 'pack', '--json', '--pack-destination', folder)
  const [packed] = JSON.parse(output.slice(output.search(/^\[/m))) as [Packed]
  return packed
}

function checkTarball(folder: string, { filename, files }: Packed): void {
  check('holds the build and nothing else', () => {
    const paths = files.map(({ path }) => path)
    const unexpected = paths.filter((path) => !EXPECTED_FILES.test(path))
    if (unexpected.length > 0) throw new Error(`unexpected files: ${unexpected.join(', ')}`)
    for (const needed of ['README.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts']) {
      if (!paths.includes(needed)) throw new Error(`${needed} is missing`)
    }
  })
  check('installs in an empty project', () => {
    writeFileSync(`${folder}/package.json`, JSON.stringify({ private: true, type: 'module' }))
    run(folder, 'npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', `./${filename}`)
  })
  const subpaths = Object.keys(manifest.exports).filter((subpath) => !subpath.endsWith('.json'))
  check('imports, without optional packages', () => {
    const program = importer(subpaths.filter((subpath) => subpath !== OPTIONAL))
    run(folder, process.execPath, '--input-type=module', '-e', program)
  })
  check(`imports with ${PEER}`, () => {
    const wanted = `${PEER}@${manifest.peerDependencies[PEER]}`
    run(folder, 'npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', wanted)
    run(folder, process.execPath, '--input-type=module', '-e', importer(subpaths))
  })
  check('runs a server in a thread', () => {
    writeFileSync(`${folder}/threads.js`, THREADS)
    writeFileSync(`${folder}/echo.js`, ECHO)
    run(folder, process.execPath, 'threads.js')
  })
  check('runs beamjoin --help', () => {
    const help = run(folder, `${folder}/node_modules/.bin/beamjoin`, '--help')
    if (!/^ +start /m.test(help)) throw new Error(`the help does not name its commands: ${help}`)
  })
  check('knows its version', () => {
    const version = run(folder, `${folder}/node_modules/.bin/beamjoin`, '--version')
    if (!version.includes(manifest.version)) throw new Error(`it says ${version.trim()}`)
  })
}

function checkTypes(folder: string): void {
  const withNode = { types: ['node'], typeRoots: [`${ROOT}/node_modules/@types`] }
  const bundler = { module: 'esnext', moduleResolution: 'bundler', ...withNode }
  const projects = [
    ['type-checks for Node', ['consumer.ts', 'codec.ts'], withNode],
    ['type-checks for a bundler', ['consumer.ts', 'codec.ts'], bundler],
    ['type-checks MessagePack', ['msgpack.ts'], { lib: ['es2023', 'esnext.disposable', 'dom'], types: [] }],
    ['type-checks the codec alone, without any platform', ['codec.ts'], { types: [] }],
  ] as const
  writeFileSync(`${folder}/consumer.ts`, CONSUMER)
  writeFileSync(`${folder}/codec.ts`, CODEC_CONSUMER)
  writeFileSync(`${folder}/msgpack.ts`, MSGPACK_CONSUMER)
  for (const [what, files, options] of projects) {
    check(what, () => {
      writeFileSync(`${folder}/tsconfig.json`, tsconfig(files, options))
      run(folder, `${ROOT}/node_modules/.bin/tsc`, '-p', 'tsconfig.json')
    })
  }
}

const folder = mkdtempSync(join(tmpdir(), 'beamjoin-package-'))
try {
  let packed: Packed | undefined
  check('packs', () => {
    packed = pack(folder)
  })
  if (packed !== undefined) {
    checkTarball(folder, packed)
    checkTypes(folder)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/**
 * Builds the package: `build.ts [FOLDER [MODULE...]]`, by default into dist/; modules are more entry points, for benchmarks.
 * The declarations are the compiler's, file by file. The
 * code is bundled, because reading some hundred small files would be most of what starting a node takes: one file for
 * each entry point, and shared ones for what several of them need, so that every module exists once.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const [folder = 'dist', ...modules] = process.argv.slice(2)

/** As deep as the modules that look for the manifest, and beside the entries of threads, which are looked for there. */
const SHARED = 'shared/chunks'
const WORKERS = ['src/runtime/threads/worker-main.ts', 'src/net/frozen-writes-worker.ts']

interface Manifest {
  readonly bin: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>
}

const { bin, exports } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as Manifest
const published = Object.values(exports).flatMap((target) =>
  typeof target === 'string' ? [] : [target.default],
)
const paths = [...published, ...Object.values(bin)].map((file) =>
  file.replace(/^\.\/dist\//, '').replace(/\.js$/, ''),
)
const entryPoints = Object.fromEntries([
  ...[...paths, ...modules].map((path) => [path, `src/${path}.ts`]),
  ...WORKERS.map((file) => [`${SHARED}/${file.split('/').at(-1)!.replace(/\.ts$/, '')}`, file]),
])

rmSync(`${ROOT}${folder}`, { recursive: true, force: true })
execFileSync(
  process.execPath,
  ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--outDir', folder],
  { cwd: ROOT, stdio: ['ignore', 2, 2] },
)
await build({
  absWorkingDir: ROOT,
  entryPoints,
  outdir: folder,
  chunkNames: `${SHARED}/[name]-[hash]`,
  bundle: true,
  splitting: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: true,
  // Constants become the numbers that they are, and a switch over them a table.
  minifySyntax: true,
  logLevel: 'warning',
})

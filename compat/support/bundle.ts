/** The codec and its tests as one script without imports, for runtimes that are not Node. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'
import { seed } from '../../interop/support/arbitrary-terms.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** These are about Node itself. */
const ONLY_NODE = ['memory.test.ts', 'node-console.test.ts', 'without-node.test.ts']

/** Anything of Node in the bundle fails the build, since for the platform "browser" there is none. */
const replacements: Plugin = {
  name: 'beamjoin-tests-elsewhere',
  setup(build) {
    build.onResolve({ filter: /^tap$/ }, () => ({ path: `${ROOT}compat/support/tap-elsewhere.ts` }))
    // The vectors become part of the script.
    build.onLoad({ filter: /test\/etf\/vectors\.ts$/ }, () => ({ loader: 'js', contents: vectorsModule() }))
  },
}

function vectorsModule(): string {
  const folder = `${ROOT}test/vectors/etf`
  const texts = readdirSync(folder)
    .filter((file) => file.endsWith('.jsonl'))
    .map((file) => [file.slice(0, -'.jsonl'.length), readFileSync(`${folder}/${file}`, 'utf8')])
  return `const texts = ${JSON.stringify(Object.fromEntries(texts))}
export function readVectors(name) {
  return texts[name].trim().split('\\n').map((line) => JSON.parse(line))
}`
}

/** The tests that run anywhere. */
export function portableTests(): string[] {
  return ['test/etf', 'test/msgpack'].flatMap((folder) =>
    readdirSync(`${ROOT}${folder}`)
      .filter((file) => file.endsWith('.test.ts') && !ONLY_NODE.includes(file))
      .map((file) => `./${folder}/${file}`),
  )
}

/** A script that runs the tests and calls `report`, which is defined by `reporter`, with the results as text. */
export async function bundleTests(reporter: string): Promise<string> {
  const imports = portableTests().map((file) => `import ${JSON.stringify(file)}`)
  const contents = [
    ...imports,
    "import { runAll } from 'tap'",
    `const report = ${reporter}`,
    'runAll().then((results) => report(JSON.stringify(results)))',
  ].join('\n')
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: ROOT, loader: 'js' },
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    charset: 'utf8',
    // The package says that its modules have no side effects; its tests have nothing else.
    ignoreAnnotations: true,
    logLevel: 'silent',
    // One seed for the tests here and there; and nothing else of a process.
    define: { 'globalThis.process': JSON.stringify({ env: { SEED: String(seed) } }) },
    plugins: [replacements],
  })
  return outputFiles[0]!.text
}

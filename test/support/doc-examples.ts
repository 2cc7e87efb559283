/**
 * The `@example` blocks of the source, and how they become programs: each a module of its own that can be type-checked
 * and imported, with what the package exports in scope, and fixtures (doc-fixtures.ts) for the other names it uses.
 */
import { readdir, readFile } from 'node:fs/promises'
import { withValueChecks } from '../../interop/support/value-comments.ts'
import { FIXTURE_NAMES, type FixtureName } from './doc-fixtures.ts'

const ROOT = new URL('../../', import.meta.url)
/** The package's entry first; the other doors have what the documentation of the inner layers uses. */
const DOORS = [
  '',
  'etf/',
  'msgpack/',
  'epmd/',
  'supervisor/',
  'testing/',
  'pubsub/',
  'core/',
  'net/',
  'dist/',
  'runtime/',
  'node/',
  'services/',
]
const DECLARATION = /\b(?:const|class|import|interface) (\w+|\{[^}]*\}|\[[^\]]*\])/g

export interface Example {
  /** `src/etf/encode.ts:16`, the line of the tag. */
  readonly title: string
  readonly code: string
}

export interface ExampleModule {
  /** Its path in the folder of the modules. */
  readonly file: string
  readonly source: string
  readonly fixtures: readonly FixtureName[]
  /** How many comments state a value. */
  readonly checks: number
}

export async function readSources(): Promise<Map<string, string>> {
  const files = await readdir(new URL('src/', ROOT), { recursive: true })
  const paths = files.filter((file) => file.endsWith('.ts')).map((file) => `src/${file}`)
  const texts = paths.sort().map(async (path) => [path, await readFile(new URL(path, ROOT), 'utf8')] as const)
  return new Map(await Promise.all(texts))
}

/** Every `@example` of every comment: from the tag to the next tag or the end. */
export function extractExamples(path: string, text: string): Example[] {
  const examples: Example[] = []
  for (const comment of text.matchAll(/\/\*\*[\s\S]*?\*\//g)) {
    for (const { 1: block = '', index } of comment[0].matchAll(
      /@example\b([\s\S]*?)(?=\n\s*\* @|\s*\*\/)/g,
    )) {
      const line = text.slice(0, comment.index + index).split('\n').length
      const lines = block.split('\n').map((each) => each.replace(/^\s*\* ?/, ''))
      examples.push({ title: `${path}:${line}`, code: lines.join('\n').trim() })
    }
  }
  return examples
}

/** The TypeScript blocks of a page of docs/, without their imports from the package, which `toModule` adds again. */
export async function readBlocks(path: string): Promise<Example[]> {
  const text = await readFile(new URL(path, ROOT), 'utf8')
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(({ 1: block = '', index }) => ({
    title: `${path}:${text.slice(0, index).split('\n').length}`,
    code: block.replace(/^import \{[^}]*\} from 'beamjoin.*$/gm, '').trim(),
  }))
}

/** Name -> the import that brings it into scope, for everything that the doors export. */
export function importsByName(sources: ReadonlyMap<string, string>): Map<string, string> {
  const imports = new Map<string, string>()
  for (const door of DOORS.map((folder) => `src/${folder}index.ts`)) {
    for (const [, type = '', names = ''] of (sources.get(door) ?? '').matchAll(
      /^export (type )?\{([^}]*)\}/gm,
    )) {
      for (const name of names.split(',').map((each) => each.trim())) {
        const plain = name.replace(/^type /, '')
        if (name !== '' && !imports.has(plain))
          imports.set(plain, `import { ${type}${name} } from '../../${door}'`)
      }
    }
  }
  return imports
}

/** The example as it stands, below what brings the names it does not declare itself. */
export function toModule(
  index: number,
  { title, code }: Example,
  imports: ReadonlyMap<string, string>,
): ExampleModule {
  const declared = new Set<string>()
  for (const [, names = ''] of code.matchAll(DECLARATION))
    for (const name of wordsOf(names)) declared.add(name)
  const used = new Set(wordsOf(code).filter((word) => !declared.has(word)))
  const fixtures = FIXTURE_NAMES.filter((name) => used.has(name))
  for (const name of fixtures) used.delete(name)
  const body = withValueChecks(code)
  const source = [
    `// ${title}`,
    "import { checkValue } from '../../interop/support/value-comments.ts'",
    "import { current } from '../../test/support/doc-fixtures.ts'",
    ...[...used].flatMap((name) => imports.get(name) ?? []),
    `const { ${fixtures.join(', ')} } = current.fixtures`,
    body.code,
    'void checkValue',
    'export {}',
  ]
  const stem = title.replace(/^src\/|\.ts(?=:)/g, '').replace(/\W/g, '-')
  const file = `${String(index).padStart(2, '0')}-${stem}.ts`
  return { file, source: `${source.join('\n')}\n`, fixtures, checks: body.checks }
}

/** Identifiers outside of line comments. */
function wordsOf(code: string): string[] {
  return [...new Set(code.replace(/(?<=^|\s)\/\/.*$/gm, '').match(/[A-Za-z_]\w*/g))]
}

/**
 * The import rules of the source tree, checked on a map from path to text so that the rules themselves can be tested:
 * who may import whom, folders only through their doors, no cycles, and a codec that needs no Node.
 *
 * Imports are found by pattern, at the start of a line, which is where the formatter puts them; `import()` with a literal
 * is found anywhere outside of comments. Type imports count like others, except where a rule says "types".
 */
import { posix } from 'node:path'

/** What a row of the matrix may do with a folder: import all, only types, or all from the files and names given. */
export type Permission =
  | 'all'
  | 'types'
  | { readonly from: RegExp; readonly names: RegExp; readonly otherwise: 'types' | 'nothing' }

export interface LayerRules {
  /** Folder of src -> folder of src -> what is allowed. What is not listed is forbidden. */
  readonly matrix: Readonly<Record<string, Readonly<Record<string, Permission>>>>
  /** Files directly in src; they may import every door. */
  readonly rootFiles: readonly string[]
  /** What the folders of `consumers` may import of src, beside their own files. */
  readonly entries: readonly string[]
  readonly consumers: readonly string[]
  /** Doors beside each folder's index.ts. */
  readonly otherDoors: readonly string[]
  /** From these files on nothing may come from `node:` or use a package that is not in `packages`. */
  readonly withoutNode: readonly string[]
  /** Modules that open sockets, and the only folders that may import them. */
  readonly sockets: { readonly modules: readonly string[]; readonly folders: readonly string[] }
  /** Packages that src may import: the dependencies and peer dependencies of package.json. */
  readonly packages: readonly string[]
}

export interface Import {
  readonly specifier: string
  /** True when nothing of it is left at run time. */
  readonly typeOnly: boolean
  /** Names as exported; empty for a side-effect import, `*` for a namespace. */
  readonly names: readonly string[]
}

/** Files by path from the repository's root, such as `src/etf/index.ts`. */
export type SourceFiles = ReadonlyMap<string, string>

const STATEMENT = /^(?:import|export)\s+(type\s+)?(?:([\w*\s{},$]*?)\s*\bfrom\s+)?(['"])([^'"\n]+)\3/gm
const DYNAMIC = /\bimport\(\s*(['"])([^'"\n]+)\1\s*\)/g
const COMMENTS = /^\s*(?:\/\*[\s\S]*?\*\/|\/\/.*)/gm

export function findImports(text: string): Import[] {
  const code = text.replace(COMMENTS, '')
  const imports: Import[] = []
  for (const [, type, clause = '', , specifier = ''] of code.matchAll(STATEMENT)) {
    const bindings = clause
      .replace(/[{}]/g, ',')
      .split(',')
      .map((binding) => binding.trim())
      .filter(Boolean)
    const typeOnly =
      type !== undefined || (bindings.length > 0 && bindings.every((name) => /^type\s/.test(name)))
    const names = bindings.map((name) => name.replace(/^type\s+/, '').replace(/\s+as\s+.*/, ''))
    imports.push({ specifier, typeOnly, names })
  }
  for (const [, , specifier = ''] of code.matchAll(DYNAMIC)) {
    imports.push({ specifier, typeOnly: false, names: ['*'] })
  }
  return imports
}

/** Every violation as one sentence with the file first; empty when the rules hold. */
export function checkLayers(files: SourceFiles, rules: LayerRules): string[] {
  const violations: string[] = []
  const graph = new Map<string, string[]>()
  for (const [file, text] of files) {
    const targets: string[] = []
    graph.set(file, targets)
    for (const found of findImports(text)) {
      const target = found.specifier.startsWith('.')
        ? posix.join(posix.dirname(file), found.specifier)
        : undefined
      const reason =
        target === undefined ? judgePackage(file, found, rules) : judgeFile(file, target, found, files, rules)
      if (reason !== undefined) violations.push(`${file} ${reason}`)
      if (target !== undefined && files.has(target)) targets.push(target)
    }
  }
  for (const cycle of findCycles(graph)) violations.push(`${cycle[0]} is in a cycle: ${cycle.join(' -> ')}`)
  for (const entry of rules.withoutNode) violations.push(...judgeReach(entry, files, graph))
  return violations
}

function judgeFile(
  file: string,
  target: string,
  found: Import,
  files: SourceFiles,
  rules: LayerRules,
): string | undefined {
  const what = `imports ${target}`
  if (!files.has(target)) return `${what}, which is not there`
  const [top = ''] = file.split('/')
  if (!target.startsWith('src/')) return top === 'src' ? `${what}, from outside of src` : undefined
  if (top !== 'src') {
    if (!rules.consumers.includes(top)) return undefined
    return rules.entries.includes(target)
      ? undefined
      : `${what}: ${top} may import only the package's entries`
  }
  const from = folderOf(file)
  const to = folderOf(target)
  if (from === undefined && !rules.rootFiles.includes(file))
    return 'is directly in src, where it has no layer'
  if (from === to) return undefined
  if (to === undefined) {
    const entry = rules.consumers.includes(`src/${from}`) && rules.entries.includes(target)
    return entry ? undefined : `${what}: nothing below may import ${target}`
  }
  if (target !== `src/${to}/index.ts` && !rules.otherDoors.includes(target)) {
    return `${what}, past the door src/${to}/index.ts`
  }
  if (from === undefined) return undefined
  if (rules.consumers.includes(`src/${from}`)) {
    return rules.entries.includes(target)
      ? undefined
      : `${what}: ${from} may import only the package's entries`
  }
  return permits(file, found, rules.matrix[from]?.[to]) ? undefined : `${what}: ${from} may not import it`
}

function permits(file: string, found: Import, permission: Permission | undefined): boolean {
  if (permission === undefined) return false
  if (permission === 'all') return true
  if (permission === 'types') return found.typeOnly
  if (permission.otherwise === 'types' && found.typeOnly) return true
  return permission.from.test(file) && found.names.every((name) => permission.names.test(name))
}

function judgePackage(file: string, { specifier }: Import, rules: LayerRules): string | undefined {
  if (!file.startsWith('src/')) return undefined
  if (!specifier.startsWith('node:')) {
    return rules.packages.includes(specifier) ? undefined : `imports ${specifier}, which is no dependency`
  }
  const opensSockets = rules.sockets.modules.includes(specifier)
  if (!opensSockets || rules.sockets.folders.includes(folderOf(file) ?? '')) return undefined
  return `imports ${specifier}: only ${rules.sockets.folders.join(', ')} may touch a socket`
}

/** The folder below src that a file belongs to; undefined for a file directly in src. */
function folderOf(file: string): string | undefined {
  const parts = file.split('/')
  return parts.length > 2 ? parts[1] : undefined
}

function judgeReach(
  entry: string,
  files: SourceFiles,
  graph: ReadonlyMap<string, readonly string[]>,
): string[] {
  const reached = new Set([entry])
  for (const file of reached) for (const target of graph.get(file) ?? []) reached.add(target)
  return [...reached].flatMap((file) =>
    findImports(files.get(file) ?? '')
      .filter(({ specifier }) => specifier.startsWith('node:'))
      .map(({ specifier }) => `${file} imports ${specifier}, but ${entry} reaches it and must need no Node`),
  )
}

/** One path for each group of files that reach each other, from a file back to itself. */
function findCycles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const done = new Set<string>()
  const path: string[] = []
  const cycles: string[][] = []
  const visit = (file: string): void => {
    const start = path.indexOf(file)
    if (start >= 0) cycles.push([...path.slice(start), file])
    if (start >= 0 || done.has(file)) return
    path.push(file)
    for (const target of graph.get(file) ?? []) visit(target)
    path.pop()
    done.add(file)
  }
  for (const file of graph.keys()) visit(file)
  return cycles
}

/**
 * The modules of interop/elixir in a peer. To compile them takes some seconds, so that is done once for each release of
 * OTP and Elixir, by the first peer of it; what came of it is kept under .beam for all that follow.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { base64 } from './companion.ts'

const LIB = fileURLToPath(new URL('../elixir/lib', import.meta.url))
const COMPILED = fileURLToPath(new URL('../../.beam/elixir-library', import.meta.url))

/** What it takes of a peer. */
interface Evaluator {
  readonly version: string
  eval(code: string, options: { readonly session: string; readonly timeout?: number }): Promise<string>
}

/** Defines them, in a session that nothing else uses. They start their application when first used. */
export async function loadElixirLibrary(peer: Evaluator): Promise<void> {
  const sources = readSources()
  const of = createHash('sha256').update(JSON.stringify(sources)).digest('hex')
  const file = `${COMPILED}/${peer.version.replaceAll(' ', '-')}.json`
  let kept = readKept(file)
  if (kept?.of !== of) {
    const modules = JSON.parse(await peer.eval(compiles(sources), { session: 'library', timeout: 60_000 }))
    kept = { of, modules }
    keep(file, kept)
  }
  await peer.eval(loads(kept.modules), { session: 'library' })
}

interface Kept {
  /** The hash of the sources. */
  readonly of: string
  /** What `compiles` returned. */
  readonly modules: string
}

function readKept(file: string): Kept | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Kept) : undefined
}

type Source = readonly [name: string, content: string]

function readSources(): Source[] {
  return readdirSync(LIB, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ex'))
    .sort()
    .map((file) => [file.replaceAll('/', '-'), readFileSync(`${LIB}/${file}`, 'utf8')])
}

function keep(file: string, kept: Kept): void {
  mkdirSync(COMPILED, { recursive: true })
  // Other tests may be at it too: a file that is there is whole.
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, JSON.stringify(kept))
  renameSync(draft, file)
}

/**
 * Elixir code that compiles modules, in whichever order they need each other, and returns them in base64. Elixir 1.18
 * defines them as well, 1.20 does not. The compiler wants files, so there is a folder of the peer's own for that moment.
 */
function compiles(sources: readonly Source[]): string {
  const files = sources.map(([name, content]) => `{"${name}", "${base64(content)}"}`)
  return `
    folder = Path.join(System.tmp_dir!(), "beamjoin-#{System.pid()}-#{System.unique_integer([:positive])}")
    File.mkdir_p!(folder)
    files =
      for {name, content} <- [${files.join(', ')}] do
        path = Path.join(folder, name)
        File.write!(path, Base.decode64!(content))
        path
      end
    {:ok, modules, _warnings} = Kernel.ParallelCompiler.compile_to_path(files, folder, return_diagnostics: true)
    compiled = for module <- modules, do: {module, File.read!(Path.join(folder, "#{module}.beam"))}
    File.rm_rf!(folder)
    Base.encode64(:erlang.term_to_binary(compiled, [:compressed]))
  `
}

/** Elixir code that defines what `compiles` returned. */
function loads(compiled: string): string {
  return `
    for {module, binary} <- :erlang.binary_to_term(Base.decode64!("${compiled}")) do
      {:module, ^module} = :code.load_binary(module, String.to_charlist("#{module}.beam"), binary)
    end
    :ok
  `
}

/** Modules as single scripts: targets of the fuzzer, for their coverage, and its thread, which tsx does not reach. */
import { writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** Writes a module with all that it imports into one script in `folder`; `change` is given its text. */
export async function bundleModule(
  module: URL,
  folder: string,
  change: (text: string) => string = (text) => text,
): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(module)],
    write: false,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'error',
    // Vectors are looked for beside the folder of the module that reads them.
    define: { 'import.meta.url': JSON.stringify(new URL('./', import.meta.url).href) },
  })
  const file = `${folder}/${basename(module.pathname, '.ts')}-${process.pid}.mjs`
  await writeFile(file, change(outputFiles[0]!.text))
  return file
}

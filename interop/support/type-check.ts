/** Type-checks code that was taken out of documentation, in a folder of its own two levels below the root. */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** Not the command `tsc`: the hooks that tap adds to its child processes fail on a file without an extension. */
const TSC = fileURLToPath(new URL('../../node_modules/typescript/lib/tsc.js', import.meta.url))

/** The options of this repository, and `beamjoin` and its subpaths as they are in `src`. tsx heeds the paths too. */
const CONFIG = {
  extends: '../../tsconfig.json',
  compilerOptions: {
    paths: { beamjoin: ['../../src/index.ts'], 'beamjoin/*': ['../../src/*/index.ts'] },
  },
  include: ['*.ts'],
  exclude: [],
}

/**
 * Writes a `tsconfig.json` and checks every module of the folder in one run.
 *
 * @returns what the compiler says, by file; empty when all is well
 */
export async function typeCheck(folder: URL): Promise<Map<string, string[]>> {
  await writeFile(new URL('tsconfig.json', folder), JSON.stringify(CONFIG))
  const output = await new Promise<string>((resolve, reject) => {
    const options = { cwd: fileURLToPath(folder), maxBuffer: 1 << 24 }
    execFile(process.execPath, [TSC, '-p', '.', '--pretty', 'false'], options, (error, out, err) => {
      if (error !== null && out === '') reject(new Error(`tsc failed: ${err || error.message}`))
      else resolve(out)
    })
  })
  const messages = new Map<string, string[]>()
  let file = ''
  for (const line of output.split('\n').filter((each) => each !== '')) {
    // Lines that belong to the message above are indented.
    file = /^(\S[^(]*)\(/.exec(line)?.[1] ?? file
    messages.set(file, [...(messages.get(file) ?? []), line])
  }
  return messages
}

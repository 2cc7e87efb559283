/** `node:repl` brings `node:domain`, from which on every callback of a process takes a detour: it waits for a shell. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { test } from 'tap'

for (const entry of ['../../src/index.ts', '../../src/cli/run.ts']) {
  test(`a node without a remote shell does not load the modules of one: ${entry}`, async (t) => {
    t.notMatch(loadedWith(new URL(entry, import.meta.url).href), 'NativeModule domain')
  })
}

function loadedWith(entry: string): string {
  const code = `await import(${JSON.stringify(entry)}); console.log(process.moduleLoadList.join(' '))`
  const loaded = execFileSync(process.execPath, ['--import=tsx', '--input-type=module', '--eval', code], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    encoding: 'utf8',
  })
  if (!loaded.includes('NativeModule net')) throw new Error(`the list of modules looks otherwise: ${loaded}`)
  return loaded
}

/** `node:repl` brings `node:domain`, from which on every callback of a process takes a detour: it waits for a shell. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { test } from 'tap'

test('a node without a remote shell does not load the modules of one', async (t) => {
  const entry = new URL('../../src/index.ts', import.meta.url).href
  const code = `await import(${JSON.stringify(entry)}); console.log(process.moduleLoadList.join(' '))`
  const loaded = execFileSync(process.execPath, ['--import=tsx', '--input-type=module', '--eval', code], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    encoding: 'utf8',
  })
  t.match(loaded, 'NativeModule net')
  t.notMatch(loaded, 'NativeModule domain')
})

/** The commands and links of the README exist. Its programs are run by interop/readme.test.ts. */
import { readFile, stat } from 'node:fs/promises'
import { test } from 'tap'
import { runCommandLine } from '../src/cli/run.ts'

const ROOT = new URL('../', import.meta.url)
const README = await readFile(new URL('README.md', ROOT), 'utf8')

async function help(...args: string[]): Promise<string> {
  let text = ''
  const out = (more: string): void => {
    text += more
  }
  const io = { out, err: out, env: {}, interrupted: AbortSignal.abort() }
  await runCommandLine([...args, '--help'], io)
  return text
}

test('the npm scripts and the files that the README names exist', async (t) => {
  const { scripts } = JSON.parse(await readFile(new URL('package.json', ROOT), 'utf8')) as { scripts: object }
  const named = [...README.matchAll(/npm (start|test|run ([\w:]+))/g)].map(
    ([, word, script]) => script ?? word!,
  )
  t.ok(named.length >= 4)
  t.same(
    named.filter((script) => !Object.hasOwn(scripts, script)),
    [],
  )
  const links = [...README.matchAll(/\]\(([^):]+)\)/g)].map(([, path]) => path!)
  t.ok(links.length > 0)
  for (const path of links) await t.resolves(stat(new URL(path, ROOT)), path)
})

test('the command lines of the README are those of --help', async (t) => {
  const [, synopsis = ''] = /^### Command line\s+```\n([\s\S]*?)^```/m.exec(README) ?? []
  const usages = synopsis.split(/^beamjoin | \| |\n/m).filter((usage) => usage.trim() !== '')
  const commands = usages.map((usage) => usage.trim().split(' ')[0]!)
  const listed = [...(await help()).matchAll(/^ {2}(\w+) {2}/gm)].map(([, command]) => command!)
  t.ok(listed.length > 0)
  t.same(commands.sort(), listed.sort())
  for (const usage of usages) {
    const [words = '', ...options] = usage.trim().split(/ (?=\[?--)/)
    const text = await help(words.split(' ')[0]!)
    t.ok(text.startsWith(`beamjoin ${words} [options]\n`), usage)
    for (const option of options.join(' ').match(/--\w+/g) ?? []) t.match(text, ` ${option}`, option)
  }
})

/** The programs in the guides of docs/ are type-checked and run, and what a comment says a value is, it is. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { test } from 'tap'
import { typeCheck } from '../interop/support/type-check.ts'
import { EpmdServer } from '../src/index.ts'
import { settled } from './runtime/runtimes.ts'
import { type Example, importsByName, readSources, toModule } from './support/doc-examples.ts'
import { World } from './support/doc-fixtures.ts'

const GUIDES = ['docs/processes.md']

async function programs(path: string): Promise<Example[]> {
  const text = await readFile(new URL(`../${path}`, import.meta.url), 'utf8')
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(({ 1: code = '', index }) => ({
    title: `${path}:${text.slice(0, index).split('\n').length}`,
    code,
  }))
}

test('the programs of the guides are right', async (t) => {
  const imports = importsByName(await readSources())
  const examples = (await Promise.all(GUIDES.map(programs))).flat()
  t.ok(examples.length >= GUIDES.length)
  const modules = examples.map((example, index) => ({ ...example, ...toModule(index, example, imports) }))
  const folder = new URL(`../.tap/guides-${process.pid}/`, import.meta.url)
  const epmd = await EpmdServer.listen({ host: '127.0.0.1', port: 0 })
  process.env['ERL_EPMD_PORT'] = String(epmd.port)
  t.teardown(async () => {
    await epmd.close()
    await rm(folder, { recursive: true, force: true })
  })
  await mkdir(folder, { recursive: true })
  await Promise.all(modules.map(({ file, source }) => writeFile(new URL(file, folder), source)))
  const errors = await typeCheck(folder)

  for (const { title, file, fixtures } of modules) {
    await t.test(title, async (t) => {
      t.same(errors.get(file) ?? [], [], 'it type-checks')
      const world = new World()
      t.teardown(() => world.end())
      await world.provide(fixtures)
      await import(new URL(file, folder).href)
      await settled()
      t.same(world.complaints, [], 'nothing failed beside it')
    })
  }
})

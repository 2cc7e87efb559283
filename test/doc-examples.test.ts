/**
 * Every `@example` of the source is type-checked and executed; what a comment behind a line says its value is, it is.
 * Lines for iex are left to the interop tests.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { test } from 'tap'
import { whyNoCertificates } from '../interop/support/certificates.ts'
import { typeCheck } from '../interop/support/type-check.ts'
import * as entry from '../src/index.ts'
import { settled } from './runtime/runtimes.ts'
import { extractExamples, importsByName, readBlocks, readSources, toModule } from './support/doc-examples.ts'
import { World } from './support/doc-fixtures.ts'

/** They come from BEAM nodes only: nobody makes one. */
const OPAQUE = new Set(['Fun', 'Port'])

const sources = await readSources()
const examples = [...sources].flatMap(([path, text]) => extractExamples(path, text))
const imports = importsByName(sources)
/** The page that shows the codec alone. */
const blocks = await readBlocks('docs/terms.md')
const modules = [...examples, ...blocks].map((example, index) => ({
  ...example,
  ...toModule(index, example, imports),
}))

test('every example is found', async (t) => {
  const tags = [...sources.values()].flatMap((text) => text.match(/@example/g) ?? [])
  t.ok(tags.length > 30)
  t.equal(examples.length, tags.length)
  t.ok(blocks.length >= 3)
  const checks = modules.map((module) => module.checks).reduce((sum, count) => sum + count)
  t.ok(checks > 30, `${checks} values are stated in comments`)
})

test('every function and class of the package entry has an example', async (t) => {
  const names = Object.entries(entry)
    .filter(([name, value]) => typeof value === 'function' && !name.endsWith('Error') && !OPAQUE.has(name))
    .map(([name]) => name)
  t.ok(names.length > 30)
  const text = [...sources.values()].join('\n')
  const hasExample = (name: string): boolean => {
    const declaration = new RegExp(
      `\\*/\\nexport (?:abstract )?(?:class|function|async function|const) ${name}\\b`,
    )
    const end = text.search(declaration)
    return end >= 0 && text.slice(text.lastIndexOf('/**', end), end).includes('@example')
  }
  t.same(
    names.filter((name) => !hasExample(name)),
    [],
  )
})

test('the examples are right', async (t) => {
  const folder = new URL(`../.tap/doc-examples-${process.pid}/`, import.meta.url)
  const epmd = await entry.EpmdServer.listen({ host: '127.0.0.1', port: 0 })
  process.env['ERL_EPMD_PORT'] = String(epmd.port)
  t.teardown(async () => {
    await epmd.close()
    await rm(folder, { recursive: true, force: true })
  })
  await mkdir(folder, { recursive: true })
  await Promise.all(modules.map(({ file, source }) => writeFile(new URL(file, folder), source)))
  const errors = await typeCheck(folder)
  t.same(
    [...errors.keys()].filter((file) => !modules.some((module) => module.file === file)),
    [],
  )

  for (const { title, file, fixtures } of modules) {
    const skip = fixtures.includes('tls') && whyNoCertificates()
    await t.test(title, { skip }, async (t) => {
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

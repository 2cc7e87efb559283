/** The fuzzer itself: it finds what only coverage leads to, and its targets load. */
import { mkdir, readdir, rm } from 'node:fs/promises'
import { test } from 'tap'
import { randomFrom } from '../support/random.ts'
import { bundleModule } from './bundle.ts'
import { Coverage, instrument } from './coverage.ts'
import { fuzz, type Target } from './fuzzer.ts'

const FOLDER = new URL(`../../.tap/fuzzer-test-${process.pid}/`, import.meta.url)

async function load(module: string): Promise<Target> {
  await mkdir(FOLDER, { recursive: true })
  const file = await bundleModule(new URL(module, import.meta.url), FOLDER.pathname, instrument)
  return (await import(file)) as Target
}

test('a mistake behind four conditions is found, by way of each', async (t) => {
  t.teardown(() => rm(FOLDER, { recursive: true, force: true }))
  const coverage = new Coverage()
  const target = await load('planted.ts')
  const goesOn = (executions: number): boolean => executions < 300_000
  const { finding, executions } = fuzz(target, { random: randomFrom(7), coverage, goesOn })
  t.match(finding?.error, { message: 'planted' }, `after ${executions} executions`)
  t.equal(new TextDecoder().decode(finding?.bytes.subarray(0, 4)), 'FUZZ')
})

test('every target loads, and its seeds are taken as they should be', async (t) => {
  t.teardown(() => rm(FOLDER, { recursive: true, force: true }))
  const files = await readdir(new URL('targets/', import.meta.url))
  t.ok(files.length >= 3)
  for (const file of files) {
    const coverage = new Coverage()
    const target = await load(`targets/${file}`)
    const { finding, corpus, branches } = fuzz(target, {
      random: randomFrom(1),
      coverage,
      goesOn: () => false,
    })
    t.equal(finding, undefined, file)
    t.ok(corpus > 5 && branches > 50, `${file}: ${corpus} inputs reach ${branches} branches`)
  }
})

test('a script with counters does what it did', async (t) => {
  const source = `
    const f = (x) => x > 1 ? { a: x } : null
    const g = (x) => ({ b: x })
    let text = ''
    for (const x of [1, 2, 3]) if (x === 2) text += 'two'; else text += x
    switch (text) { case '1two3': text += '!'; break; default: text = 'no' }
    globalThis.__fuzzerTest = [f(1), f(2), g(3), text, null ?? 'or', 0 || (1 && 2)]`
  const coverage = new Coverage()
  await import(`data:text/javascript,${encodeURIComponent(instrument(source))}`)
  t.strictSame(Reflect.get(globalThis, '__fuzzerTest'), [null, { a: 2 }, { b: 3 }, '1two3!', 'or', 2])
  t.ok(coverage.keepNew())
  t.ok(coverage.branches >= 9)
  t.notOk(coverage.keepNew(), 'and nothing is new twice')
})

/** The codec's tests in Bun. */
import { test } from 'tap'
import { bundleTests } from './support/bundle.ts'
import { programOf, whyNotProgram } from './support/packages.ts'
import { reportAll } from './support/results.ts'
import { outputOf } from './support/run.ts'

test("the codec's tests pass in Bun", { skip: whyNotProgram('bun'), timeout: 300_000 }, async (t) => {
  const script = await bundleTests('(text) => console.log(text)')
  await reportAll(t, await outputOf(programOf('bun'), ['run', '-'], script))
})

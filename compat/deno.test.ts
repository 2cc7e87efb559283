/** The codec's tests in Deno, which gives them no permissions. */
import { test } from 'tap'
import { bundleTests } from './support/bundle.ts'
import { programOf, whyNotProgram } from './support/packages.ts'
import { reportAll } from './support/results.ts'
import { outputOf } from './support/run.ts'

test("the codec's tests pass in Deno", { skip: whyNotProgram('deno'), timeout: 300_000 }, async (t) => {
  const script = await bundleTests('(text) => console.log(text)')
  await reportAll(t, await outputOf(programOf('deno'), ['run', '--no-prompt', '-'], script))
})

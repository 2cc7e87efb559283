/** Results of tests that ran elsewhere, as tests of tap. */
import type { Test } from 'tap'
import { portableTests } from './bundle.ts'
import type { Result } from './tap-elsewhere.ts'

/** Each test with what failed in it; and that there are about as many tests as there should be. */
export async function reportAll(t: Test, text: string): Promise<void> {
  const results = JSON.parse(text) as Result[]
  for (const { name, assertions, failures, comments } of results) {
    for (const comment of comments) t.comment(comment)
    t.same(failures, [], `${name} (${assertions} assertions)`)
    if (assertions === 0) t.fail(`${name} checks nothing`)
  }
  t.ok(results.length > portableTests().length * 3, `${results.length} tests ran`)
}

import { test } from 'tap'
import { brief } from '../../src/etf/index.ts'

test('a large term is cut for logs and error messages', async (t) => {
  t.equal(brief([1, 2]), '[1, 2]')
  t.ok(brief(Array.from({ length: 100_000 }, (_, index) => index * 1000)).length < 1000)
  t.ok(brief('x'.repeat(10_000_000)).length < 5000)
})

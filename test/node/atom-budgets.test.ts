import { test } from 'tap'
import { AtomBudgets } from '../../src/node/atom-budgets.ts'

test('a peer that comes back has what was left of its atoms', async (t) => {
  const budgets = new AtomBudgets({ limit: 5, isConnected: () => false })
  budgets.of('a@a').used = 4
  t.match(budgets.of('a@a'), { limit: 5, used: 4 })
  t.match(budgets.of('b@b'), { limit: 5, used: 0 })
})

test('of visitors that never come back only so many are remembered, the latest', async (t) => {
  const connected = new Set(['a@a'])
  const budgets = new AtomBudgets({ limit: 5, remembered: 3, isConnected: (peer) => connected.has(peer) })
  const first = budgets.of('a@a')
  const second = budgets.of('v0@v')
  for (let i = 1; i < 100; i++) budgets.of(`v${i}@v`)
  t.equal(budgets.size, 3)
  t.equal(budgets.of('a@a'), first, 'who is connected is not forgotten')
  t.not(budgets.of('v0@v'), second)
})

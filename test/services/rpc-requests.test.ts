/** Calls under way that are waited for together. */
import { test } from 'tap'
import { atom, type Term } from '../../src/etf/index.ts'
import { type Teardown, TestNodes } from '../support/two-nodes.ts'

const M = 'Elixir.TsMath'

async function setUp(t: Teardown) {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair()
  const waiting = new Map<Term, (value: unknown) => void>()
  b.rpc.expose(M, {
    wait: (name) =>
      new Promise((resolve) => {
        waiting.set(name as Term, resolve)
      }),
    fail: () => Promise.reject(atom('ball')),
  })
  return { nodes, a, b, waiting }
}

test('responses are read in the order in which they come, with their labels', async (t) => {
  const { a, b, nodes, waiting } = await setUp(t)
  const requests = a.rpc.requests<string>()
  for (const name of ['one', 'two']) requests.add(b.name, M, 'wait', [name], { label: name.toUpperCase() })
  t.equal(requests.size, 2)
  await nodes.until(() => waiting.size === 2)
  waiting.get('two')?.(2)
  t.match(await requests.next(), { node: b.name, label: 'TWO', status: 'fulfilled', value: 2 })
  waiting.get('one')?.(1)
  const rest = []
  for await (const response of requests) {
    rest.push(response)
    if (rest.length === 1) requests.add(b.name, M, 'fail', [], { label: 'more' })
  }
  t.match(rest, [
    { label: 'ONE', value: 1 },
    { label: 'more', status: 'rejected', reason: { code: 'ERR_RPC_THROW', reason: atom('ball') } },
  ])
  t.equal(await requests.next(), undefined)
  t.equal(requests.size, 0)
})

test('leaving the loop leaves the rest, giving up ends it', async (t) => {
  const { a, b, nodes, waiting } = await setUp(t)
  const abort = new AbortController()
  const requests = a.rpc.requests()
  requests.add(b.name, M, 'wait', ['one']).add(b.name, M, 'wait', ['two'], { signal: abort.signal })
  requests.add(b.name, M, 'wait', ['three'], { timeout: 100 })
  await nodes.until(() => waiting.size === 3)
  waiting.get('one')?.(1)
  for await (const response of requests) {
    t.match(response, { value: 1 })
    break
  }
  t.equal(requests.size, 2)
  abort.abort(new Error('no more'))
  t.match(await requests.next(), { status: 'rejected', reason: { message: 'no more' } })
  const late = requests.next()
  await nodes.elapse(200)
  t.match(await late, { status: 'rejected', reason: { code: 'ERR_RPC_TIMEOUT' } })
  requests.add(b.name, M, 'wait', ['four'])
  const waits = [requests.next(), requests.next()]
  requests.abandon()
  t.match(await Promise.all(waits), [{ status: 'rejected', reason: { name: 'AbortError' } }, undefined])
  await nodes.settle()
  t.same(a.runtime.pending(), { calls: 0, aliases: 0, remoteMonitors: 0, spawns: 0 })
  t.throws(() => requests.add(b.name, M, 'wait', [], { timeout: Number.NaN }), { code: 'ERR_INVALID_OPTION' })
  t.equal(requests.size, 0)
})

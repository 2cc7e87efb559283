import { test } from 'tap'
import { atom, type Encodable, type Term } from '../../src/etf/index.ts'
import { GenServer, noreply, reply } from '../../src/runtime/index.ts'
import { cluster, settled } from './runtimes.ts'

class Named extends GenServer<string> {
  override init(name: string): string {
    return name
  }

  override handleCall(request: Term, _from: unknown, name: string) {
    return request === atom('never') ? noreply(name) : reply(name, name)
  }

  override handleCast(request: Term, _name: string) {
    return noreply(request as string)
  }
}

const NODES = ['a@test', 'b@test']
const GET = atom('get')

test('multi_call gathers the replies, and names the nodes without one', async (t) => {
  const { a, b } = cluster(t)
  const call = async (): Promise<unknown> => {
    const { replies, badNodes } = await a.runtime.client.multiCall(NODES, 'named', GET)
    return [replies.map(([node, answer]) => [node.name, answer]), badNodes.map(String)]
  }
  await a.runtime.start(Named, 'A', { name: 'named' })
  t.same(await call(), [[['a@test', 'A']], ['b@test']])
  await b.runtime.start(Named, 'B', { name: 'named' })
  t.same(await call(), [
    [
      ['a@test', 'A'],
      ['b@test', 'B'],
    ],
    [],
  ])
})

test('multi_call with a timeout leaves nothing behind for those that did not answer', async (t) => {
  const { a, b } = cluster(t)
  for (const { runtime } of [a, b]) await runtime.start(Named, 'x', { name: 'named' })
  const asked = a.runtime.client.multiCall(NODES, 'named', atom('never'), { timeout: 20 })
  await settled()
  a.clock.advance(20)
  t.same((await asked).badNodes, NODES.map(atom))
  await settled()
  const nothing = { calls: 0, aliases: 0, remoteMonitors: 0, spawns: 0 }
  t.match(a.runtime.pending(), nothing)
  t.match(b.runtime.pending(), nothing)
  t.equal(a.clock.pending, 0)
})

test('multi_call rejects for a request that is no term, and with the reason of its signal', async (t) => {
  const { a, b } = cluster(t)
  await b.runtime.start(Named, 'B', { name: 'named' })
  const { client } = a.runtime
  const noTerm = client.multiCall(['b@test'], 'named', Symbol('no') as unknown as Encodable)
  await t.rejects(noTerm, { code: 'ERR_ETF_NOT_A_TERM' })
  const signal = AbortSignal.abort(new Error('given up'))
  await t.rejects(client.multiCall(['b@test'], 'named', GET, { signal }), { message: 'given up' })
})

test('abcast casts to the name on every node', async (t) => {
  const { a, b } = cluster(t)
  for (const { runtime } of [a, b]) await runtime.start(Named, 'old', { name: 'named' })
  a.runtime.client.abcast([...NODES], 'named', 'new')
  await settled()
  t.same(
    (await a.runtime.client.multiCall(NODES, 'named', GET)).replies.map(([, answer]) => answer),
    ['new', 'new'],
  )
})

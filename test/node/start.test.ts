/** Starting a node: giving up, and being named by another one. */
import { test } from 'tap'
import { EpmdClient } from '../../src/epmd/index.ts'
import { atom } from '../../src/etf/index.ts'
import { startNode } from '../../src/start.ts'
import { failure, TestNodes } from '../support/two-nodes.ts'

test('a signal gives up joining at once, and leaves nothing behind', async (t) => {
  const nodes = new TestNodes(t)
  const peer = await nodes.start('peer')
  nodes.network.cut('late', 'peer')
  const abort = new AbortController()
  const reason = new Error('changed my mind')
  const network = nodes.network.host('late')
  const options = { name: 'late@late', cookie: 'secret', epmdPort: 4369, network, clock: nodes.clock }
  const { signal } = abort
  // No time passes, so nothing else could end the attempt to join.
  const starting = failure(startNode({ ...options, connect: ['peer@peer'], signal }))
  const epmd = new EpmdClient({ network, clock: nodes.clock })
  let registered = false
  for (let turn = 0; turn < 1000 && !registered; turn++) {
    registered = await epmd.lookup('late').then(
      (entry) => entry !== undefined,
      () => false,
    )
  }
  t.ok(registered, 'it was up')
  abort.abort(reason)
  t.equal(await starting, reason)
  t.equal((await failure(epmd.lookup('late'))).code, 'ERR_EPMD_UNREACHABLE')
  t.same(peer.nodes('all'), [])
  t.equal((await nodes.start('late')).name, atom('late@late'))
})

test('a signal that is aborted already starts nothing, a late one changes nothing', async (t) => {
  const nodes = new TestNodes(t)
  const reason = new Error('no')
  t.equal(await failure(nodes.start('a', { signal: AbortSignal.abort(reason) })), reason)
  const abort = new AbortController()
  const node = await nodes.start('a', { signal: abort.signal })
  abort.abort()
  t.equal(await node.ping('a@a'), 'pong')
})

test('nodes without a name are named by one of ours, apart from each other', async (t) => {
  const nodes = new TestNodes(t)
  const giver = await nodes.start('giver')
  const options = { name: 'undefined@far', connect: ['giver@giver'] }
  const first = await nodes.start('far', options)
  const second = await nodes.start('far', options)
  t.match(first.name.name, /^[0-9A-Z]+@far$/)
  t.not(first.name, second.name)
  t.same(giver.nodes('hidden').map(String).sort(), [String(first.name), String(second.name)].sort())
  t.equal(await nodes.during(second.ping('giver@giver')), 'pong')
  await nodes.during(second.stop())
  t.same(nodes.complaints(), [], 'leaving is no loss of a name')
  await nodes.until(() => giver.nodes('hidden').length === 1)
  const third = await nodes.start('far', options)
  t.equal(third.name, second.name)
  t.not(third.self.creation, second.self.creation)
})

test('a node that loses its name is connected to nobody under it, not even by what was under way', async (t) => {
  const nodes = new TestNodes(t)
  const giver = await nodes.start('giver')
  const other = await nodes.start('other')
  let stopped = 0
  const looking = { start: async () => ({ stop: () => void stopped++ }) }
  const options = { name: 'undefined@far', connect: ['giver@giver'], cluster: [looking] }
  const nameless = await nodes.start('far', options)
  nodes.network.cut('far', 'other')
  const connecting = failure(nameless.connect('other@other'))
  await nodes.settle()
  giver.disconnect(nameless.name)
  await nodes.settle()
  nodes.network.heal('far', 'other')
  t.match(await nodes.during(connecting), { code: 'ERR_NODE_NAMELESS' })
  await nodes.settle()
  t.same(other.nodes('all'), [])
  t.equal(stopped, 1, 'nor does it look for others')
})

test('a signal gives up asking for a name', async (t) => {
  const nodes = new TestNodes(t)
  await nodes.start('giver')
  nodes.network.cut('far', 'giver')
  const abort = new AbortController()
  const reason = new Error('enough')
  const options = { name: 'undefined@far', connect: ['giver@giver', 'other@giver'], signal: abort.signal }
  const network = nodes.network.host('far')
  const starting = failure(
    startNode({ cookie: 'secret', epmdPort: 4369, network, clock: nodes.clock, ...options }),
  )
  await nodes.settle()
  abort.abort(reason)
  t.equal(await starting, reason)
})

/** How connections end, and what then fires. */
import { test } from 'tap'
import { atom, type Term } from '../../src/etf/index.ts'
import { BarePeer } from '../support/bare-peer.ts'
import { failure, nodeEvents, TestNodes } from '../support/two-nodes.ts'

const A = atom('a@a')
const B = atom('b@b')
const NOCONNECTION = atom('noconnection')

test('a peer behind a cut link is given up after the tick time, on both sides', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair()
  const [atA, atB] = [nodeEvents(a), nodeEvents(b)]
  nodes.network.cut('a', 'b')
  await nodes.elapse(44_000)
  t.same([atA, atB], [[], []], 'three quarters of it are not enough')
  await nodes.elapse(31_000)
  t.same(atA, ['down b@b net_tick_timeout'])
  t.same(atB, ['down a@a net_tick_timeout'])
  t.same([a.nodes(), b.nodes()], [[], []])
  t.match(
    nodes.log.filter(({ level }) => level === 'warn').map(({ fields }) => fields['code']),
    ['ERR_DIST_TICK_TIMEOUT', 'ERR_DIST_TICK_TIMEOUT'],
  )
})

test('an idle connection stays up', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair({ netTicktime: 8 }, { netTicktime: 8 })
  await nodes.elapse(100_000)
  t.same([a.nodes(), b.nodes()], [[B], [A]])
})

test('netTicktime is in seconds, and a shorter one notices earlier', async (t) => {
  const nodes = new TestNodes(t)
  const [a] = await nodes.pair({ netTicktime: 4 }, { netTicktime: 4 })
  const events = nodeEvents(a)
  nodes.network.cut('a', 'b')
  await nodes.elapse(5000)
  t.same(events, ['down b@b net_tick_timeout'])
})

test('a link that is cut in one direction only is given up too', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair()
  const [atA, atB] = [nodeEvents(a), nodeEvents(b)]
  nodes.network.cut('a', 'b', { oneWay: true })
  await nodes.elapse(75_000)
  t.same(atB, ['down a@a net_tick_timeout'])
  t.equal(atA.length, 1)
})

test('disconnect ends the connection on both sides, and is false without one', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair()
  const [atA, atB] = [nodeEvents(a), nodeEvents(b)]
  t.equal(a.disconnect('c@c'), false)
  t.equal(a.disconnect(B), true)
  t.same(a.nodes(), [])
  t.same(atA, ['down b@b disconnect'])
  t.equal(a.disconnect(B), false)
  await nodes.settle()
  t.same(atB, ['down a@a connection_closed'])
  t.same(atA.length, 1)
  await nodes.join(b, a)
  t.equal(await a.ping(B), 'pong')
})

test('what was sent before a disconnect arrives', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair()
  const got: Term[] = []
  b.runtime.onMessage = (message) => void got.push(message)
  a.send(b.self, 'last words')
  a.send(b.self, new Uint8Array(50_000).fill(255))
  a.disconnect(B)
  await nodes.settle()
  t.equal(got.length, 2)
})

test('a node that stops is down with connection_closed, one whose network breaks too', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair()
  const events = nodeEvents(a)
  nodes.network.reset('a', 'b')
  await nodes.settle()
  await nodes.join(a, b)
  await nodes.during(b.stop())
  await nodes.settle()
  t.same(events, ['down b@b connection_closed', 'up b@b', 'down b@b connection_closed'])
})

test('calls, monitors, links and remote spawns break with noconnection, once', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair()
  const server = b.spawn((self) => self.receive(() => false))
  const bystander = b.spawn((self) => self.receive(() => false))
  a.monitor(bystander)
  const reasons: Term[] = []
  const broken: Term[] = []
  const linked = a.spawn((self) => {
    self.link(server)
    return self.receive(() => false)
  })
  a.monitor(server, (reason) => void reasons.push(reason))
  a.monitor(linked, (reason) => void broken.push(reason))
  const call = failure(a.call(server, 'question', { timeout: 'infinity' }))
  await nodes.settle()
  const events = nodeEvents(a)
  nodes.network.reset('a', 'b')
  t.match(await call, { code: 'nodedown', reason: { 0: atom('nodedown'), 1: B } })
  await nodes.settle()
  t.same([reasons, broken, events], [[NOCONNECTION], [NOCONNECTION], ['down b@b connection_closed']])
  t.same(a.runtime.pending(), { calls: 0, aliases: 0, remoteMonitors: 0, spawns: 0 })
  t.same(b.runtime.pending(), { calls: 0, aliases: 0, remoteMonitors: 0, spawns: 0 })
  t.same(
    [server, bystander].map((pid) => b.runtime.isAlive(pid)),
    [false, true],
    'links kill, monitors do not',
  )
})

test('a peer that sends what is no frame loses its connection, and the node lives on', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair()
  const peer = new BarePeer({ name: 'p@p', network: nodes.network.host('p'), clock: nodes.clock })
  const events = nodeEvents(a)
  await peer.dial('a@a')
  peer.write(Buffer.from('00000004deadbeef', 'hex'))
  await nodes.until(() => peer.closed.length === 1)
  t.same(events, ['up p@p', 'down p@p connection_closed'])
  t.equal(nodes.complaints().length, 1)
  t.equal(await b.ping(A), 'pong')
})

test('a peer that announces more than the limit loses its connection before it sends it', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a', { limits: { frameBytes: 1000 } })
  const peer = new BarePeer({ name: 'p@p', network: nodes.network.host('p'), clock: nodes.clock })
  const connection = await peer.dial('a@a')
  connection.send(peer.pid(), a.self, 'x'.repeat(2000))
  await nodes.until(() => peer.closed.length === 1)
  t.ok(nodes.log.some(({ fields }) => fields['code'] === 'ERR_DIST_FRAME_LIMIT'))
})

test('a peer that has used up its atoms does not get new ones by coming back', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a', { codec: { limits: { atoms: 5 } } })
  const peer = new BarePeer({ name: 'p@p', network: nodes.network.host('p'), clock: nodes.clock })
  let got = 0
  a.runtime.onMessage = () => void got++
  for (let round = 0; round < 3; round++) {
    await peer.dial('a@a')
    for (let n = 0; n < 4; n++) {
      peer.sendRaw(a.self, atomBytes(`loss test ${round} ${n}`))
      await nodes.settle()
    }
  }
  t.equal(got, 5)
  t.equal(peer.closed.length, 3)
})

/** SMALL_ATOM_UTF8_EXT; made by hand, since `atom` would make it known to the whole process. */
function atomBytes(text: string): Uint8Array {
  return Buffer.concat([Buffer.from([119, text.length]), Buffer.from(text)])
}

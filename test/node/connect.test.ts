/** Connecting two nodes: both ways, visible and hidden, and every way in which it is refused or fails. */
import { inspect } from 'node:util'
import { test } from 'tap'
import { EpmdServer } from '../../src/epmd/index.ts'
import { atom } from '../../src/etf/index.ts'
import type { Transport } from '../../src/net/index.ts'
import { RawPeer } from '../dist/pair.ts'
import { BarePeer } from '../support/bare-peer.ts'
import { failure, nodeEvents, type Teardown, TestNodes } from '../support/two-nodes.ts'

const A = atom('a@a')
const B = atom('b@b')

test('two nodes connect, whoever dials, and both say so once', async (t) => {
  for (const dialer of ['a', 'b']) {
    const nodes = new TestNodes(t)
    const a = await nodes.start('a')
    const b = await nodes.start('b')
    const [atA, atB] = [nodeEvents(a), nodeEvents(b)]
    if (dialer === 'a') await nodes.join(a, b)
    else await nodes.join(b, a)
    t.same([a.nodes(), b.nodes()], [[B], [A]])
    t.same([atA, atB], [['up b@b'], ['up a@a']])
    t.same([await a.ping(B), await b.ping(A)], ['pong', 'pong'])
    t.same(nodes.complaints(), [])
  }
})

test('connecting when connected does nothing, and two calls share one attempt', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a')
  const b = await nodes.start('b')
  const events = nodeEvents(b)
  await nodes.during(Promise.all([a.connect(B), a.connect('b@b'), a.connect(B)]))
  await a.connect(B)
  await nodes.settle()
  t.same(events, ['up a@a'])
})

test('a hidden node is listed apart, on both sides', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair({}, { hidden: true })
  t.same([a.nodes(), a.nodes('hidden'), a.nodes('all')], [[], [B], [B]])
  t.same([b.nodes(), b.nodes('hidden'), b.nodes('all')], [[], [A], [A]])
  const c = await nodes.start('c')
  await nodes.join(c, a)
  t.same(a.nodes(), [c.name])
  t.same(a.nodes('all').length, 2)
})

test('nodeup and nodedown say what kind of node it is', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a')
  const b = await nodes.start('b', { hidden: true })
  const told: unknown[] = []
  a.once('nodeup', (name, info) => void told.push([name, info]))
  a.on('nodedown', (name, info) => void told.push([name, info]))
  await nodes.join(a, b)
  a.disconnect(B)
  t.same(told, [
    [B, { type: 'hidden', connectionId: 1 }],
    [B, { type: 'hidden', connectionId: 1, reason: atom('disconnect') }],
  ])
})

test('several nodes of one host share its epmd', async (t) => {
  const nodes = new TestNodes(t)
  const first = await nodes.start('first@box')
  const second = await nodes.start('second@box')
  t.ok(first.hasEmbeddedEpmd)
  t.notOk(second.hasEmbeddedEpmd)
  await nodes.join(first, second)
  t.same(second.nodes(), [first.name])
})

test('a name that is taken is an error at start', async (t) => {
  const nodes = new TestNodes(t)
  await nodes.start('ts@box')
  t.match(await failure(nodes.start('ts@box')), { code: 'ERR_EPMD_NAME_TAKEN' })
})

test('an unknown node, an unreachable host and a host without epmd are told apart', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a')
  await nodes.start('b')
  nodes.network.host('silent')
  t.match(await failure(a.connect('nobody@b')), {
    code: 'ERR_NODE_UNKNOWN',
    message: /the epmd on b knows no node 'nobody': is nobody@b running\?/,
  })
  t.match(await failure(a.connect('b@nowhere')), {
    code: 'ERR_EPMD_UNREACHABLE',
    cause: { code: 'ERR_NET_UNREACHABLE' },
  })
  t.match(await failure(a.connect('b@silent')), {
    code: 'ERR_EPMD_UNREACHABLE',
    cause: { code: 'ERR_NET_REFUSED' },
  })
  t.match(await failure(a.connect('b')), { code: 'ERR_INVALID_OPTION', message: /not a node name/ })
  t.match(await failure(a.connect(A)), { code: 'ERR_NODE_SELF' })
})

test('a node that epmd knows and that does not listen is refused by the network', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a', { resolver: { resolve: async () => ({ host: 'a', port: 1 }) } })
  t.match(await failure(a.connect('b@b')), { code: 'ERR_NET_REFUSED' })
})

test('another node than the one that was dialed is refused', async (t) => {
  const nodes = new TestNodes(t)
  const b = await nodes.start('b')
  const a = await nodes.start('a', { resolver: { resolve: async () => ({ host: 'b', port: b.port }) } })
  t.match(await failure(a.connect('c@b')), { code: 'ERR_HANDSHAKE_NAME_MISMATCH' })
  await nodes.settle()
  t.same([a.nodes(), b.nodes()], [[], []])
})

test('a wrong cookie is refused in both directions, and both nodes live on', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a', { cookie: 'alpha-cookie' })
  const b = await nodes.start('b', { cookie: 'beta-cookie' })
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    t.match(await failure(nodes.during(from.connect(to.name))), {
      code: 'ERR_HANDSHAKE_CLOSED',
      message: /the cookie of the two nodes may differ/,
    })
    await nodes.settle()
    t.ok(nodes.log.some(({ fields }) => fields['code'] === 'ERR_HANDSHAKE_BAD_COOKIE'))
    nodes.log.length = 0
  }
  t.same([a.nodes('all'), b.nodes('all')], [[], []])
  const c = await nodes.start('c', { cookie: 'alpha-cookie' })
  await nodes.join(a, c)
  t.equal(await a.ping(c.name), 'pong')
})

test('a peer that does not have our cookie but pretends is found out', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a')
  const liar = new BarePeer({
    name: 'liar@l',
    network: nodes.network.host('l'),
    clock: nodes.clock,
    cookie: 'x',
  })
  await startEpmd(nodes, 'l', t)
  await liar.listen((transport) => {
    const peer = new RawPeer(transport)
    void (async () => {
      await peer.nextMessage()
      peer.message(Buffer.from('sok').toString('hex'))
      peer.message(challengeOf('liar@l'))
      await peer.nextMessage()
      peer.message(`61${'00'.repeat(16)}`)
    })()
  })
  t.match(await failure(a.connect('liar@l')), { code: 'ERR_HANDSHAKE_BAD_COOKIE' })
  liar.close()
})

test('the cookie is in no error and no log line', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a', { cookie: 'alpha-cookie' })
  const b = await nodes.start('b', { cookie: 'beta-cookie' })
  const errors = [await failure(a.connect(B)), await failure(b.connect(A))]
  await nodes.settle()
  const everything = inspect([errors, nodes.log, a, b], { depth: 10, showHidden: true })
  t.notMatch(everything, /alpha-cookie|beta-cookie/)
})

test('a peer that closes in the middle of the handshake is an error, at every step', async (t) => {
  for (let step = 0; step < 3; step++) {
    const nodes = new TestNodes(t)
    const a = await nodes.start('a')
    const peer = new BarePeer({ name: 'p@p', network: nodes.network.host('p'), clock: nodes.clock })
    await startEpmd(nodes, 'p', t)
    await peer.listen((transport) => void closeAfter(transport, step))
    const error = await failure(nodes.during(a.connect('p@p')))
    t.equal(error.code, 'ERR_HANDSHAKE_CLOSED', `step ${step}`)
    t.same(a.nodes('all'), [])
    peer.close()
  }
})

async function closeAfter(transport: Transport, step: number): Promise<void> {
  const peer = new RawPeer(transport)
  if (step > 0) {
    await peer.nextMessage()
    peer.message(Buffer.from('sok').toString('hex'))
  }
  if (step > 1) {
    peer.message(challengeOf('p@p'))
    await peer.nextMessage()
  }
  transport.end()
}

test('a peer that closes before it has said its name is no news, one that then breaks off is', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a')
  const network = nodes.network.host('p')
  const probe = await network.connect({ host: 'a', port: a.port })
  probe.end()
  await nodes.settle()
  t.same(nodes.complaints(), [])

  const peer = new RawPeer(await network.connect({ host: 'a', port: a.port }))
  peer.message(nameOf('p@p'))
  await peer.nextMessage()
  peer.transport.destroy()
  await nodes.settle()
  t.equal(nodes.complaints().length, 1)

  const again = new BarePeer({ name: 'p@p', network, clock: nodes.clock })
  await again.dial('a@a')
  t.same(a.nodes(), [atom('p@p')], 'its place is free')
  again.close()
})

test('a peer that talks garbage is refused, and the node lives on', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair()
  const network = nodes.network.host('p')
  for (const garbage of ['GET / HTTP/1.1\r\n\r\n', '\u0000\u0000', '\u0000\u0001x', '\uffff'.repeat(100)]) {
    const peer = new RawPeer(await network.connect({ host: 'a', port: a.port }))
    peer.transport.write(Buffer.from(garbage, 'latin1'))
    await nodes.during(peer.untilClosed())
  }
  t.same(a.nodes('all'), [B])
  t.equal(await b.ping(A), 'pong')
})

test('a node that claims to be this one is not allowed', async (t) => {
  const nodes = new TestNodes(t)
  await nodes.start('a')
  const impostor = new BarePeer({ name: 'a@a', network: nodes.network.host('i'), clock: nodes.clock })
  t.match(await failure(impostor.dial('a@a')), { code: 'ERR_HANDSHAKE_NOT_ALLOWED' })
})

test('a second attempt of a peer is closed while the first is negotiated', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a')
  const network = nodes.network.host('p')
  const first = new RawPeer(await network.connect({ host: 'a', port: a.port }))
  first.message(nameOf('p@p'))
  t.equal((await first.nextMessage()).toString('latin1'), 'sok')
  const second = new RawPeer(await network.connect({ host: 'a', port: a.port }))
  second.message(nameOf('p@p'))
  await second.untilClosed()
  t.equal(second.received.length, 0)
  first.transport.destroy()
  await nodes.settle()
  const third = new RawPeer(await network.connect({ host: 'a', port: a.port }))
  third.message(nameOf('p@p'))
  t.equal((await third.nextMessage()).toString('latin1'), 'sok')
})

test('more handshakes at a time than the limit are not begun', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a', { limits: { handshakes: 2 } })
  const network = nodes.network.host('p')
  const dial = async (): Promise<RawPeer> => new RawPeer(await network.connect({ host: 'a', port: a.port }))
  const [first, second, third] = [await dial(), await dial(), await dial()]
  await third.untilClosed()
  t.same([first.closed, second.closed], [undefined, undefined])
  t.match(nodes.complaints(), [/2 handshakes/])
  first.transport.destroy()
  await nodes.settle()
  const peer = new BarePeer({ name: 'p@p', network, clock: nodes.clock })
  await peer.dial('a@a')
  t.same(a.nodes(), [atom('p@p')], 'there is room again')
  peer.close()
})

test('a silent acceptor costs the set-up time, and says what was awaited', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a')
  const peer = new BarePeer({ name: 'p@p', network: nodes.network.host('p'), clock: nodes.clock })
  await startEpmd(nodes, 'p', t)
  const silent: RawPeer[] = []
  await peer.listen((transport) => void silent.push(new RawPeer(transport)))
  const failed = failure(a.connect('p@p'))
  await nodes.elapse(6900)
  t.equal(silent[0]?.closed, undefined)
  await nodes.elapse(100)
  t.match(await failed, { code: 'ERR_HANDSHAKE_TIMEOUT', message: /waiting for its status/ })
  await silent[0]?.untilClosed()
  peer.close()
})

test('the set-up time counts from the beginning, and can be chosen', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a', { netSetuptime: 2000 })
  nodes.network.setDelay(500, 'a', 'p')
  const peer = new BarePeer({ name: 'p@p', network: nodes.network.host('p'), clock: nodes.clock })
  await startEpmd(nodes, 'p', t)
  await peer.listen((transport) => void new RawPeer(transport))
  const started = nodes.clock.now()
  let ended = 0
  const failed = failure(a.connect('p@p')).then((error) => {
    ended = nodes.clock.now() - started
    return error
  })
  await nodes.elapse(4000)
  t.match(await failed, { code: /ERR_NODE_UNREACHABLE|ERR_HANDSHAKE_TIMEOUT/ })
  t.equal(ended, 2000)
  peer.close()
})

test('a peer behind a cut link is unreachable after the set-up time', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a')
  const b = await nodes.start('b', { listen: { port: 9100 } })
  const c = await nodes.start('c', { resolver: { resolve: async () => ({ host: 'b', port: b.port }) } })
  nodes.network.cut('a', 'b')
  nodes.network.cut('c', 'b')
  const withEpmd = failure(a.connect(B))
  const direct = failure(c.connect(B))
  await nodes.elapse(7000)
  t.match(await withEpmd, { code: 'ERR_EPMD_TIMEOUT' })
  t.match(await direct, { code: 'ERR_NODE_UNREACHABLE', message: 'b@b did not answer within 7 s' })
})

test('a resolver that never answers and cares for no signal costs no more than the set-up time', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a', { resolver: { resolve: () => new Promise(() => {}) } })
  const failed = failure(a.connect(B))
  await nodes.elapse(7000)
  t.match(await failed, { code: 'ERR_NODE_UNREACHABLE' })
})

test('a silent initiator is closed after the set-up time, and its place is free again', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a')
  const network = nodes.network.host('p')
  const nameless = new RawPeer(await network.connect({ host: 'a', port: a.port }))
  const named = new RawPeer(await network.connect({ host: 'a', port: a.port }))
  named.message(nameOf('p@p'))
  await named.nextMessage()
  await nodes.elapse(6900)
  t.same([nameless.closed, named.closed], [undefined, undefined])
  await nodes.elapse(100)
  await Promise.all([nameless.untilClosed(), named.untilClosed()])
  const again = new BarePeer({ name: 'p@p', network, clock: nodes.clock })
  await again.dial('a@a')
  t.same(a.nodes(), [atom('p@p')])
  again.close()
})

test('nodes find each other by a resolver of their own, without any epmd', async (t) => {
  const nodes = new TestNodes(t)
  const ports: Record<string, number> = { b: 9100 }
  const resolver = {
    resolve: async ({ host }: { host: string }) => ({ host, port: ports[host] ?? 0 }),
  }
  const a = await nodes.start('a', { epmd: 'none', resolver })
  const b = await nodes.start('b', { epmd: 'none', resolver, listen: { port: 9100 } })
  await nodes.join(a, b)
  t.same(a.nodes(), [B])
  t.notOk(a.hasEmbeddedEpmd)
})

/** An epmd on a host that has no node of ours. */
async function startEpmd(nodes: TestNodes, host: string, t: Teardown): Promise<void> {
  const server = await EpmdServer.listen({ network: nodes.network.host(host), clock: nodes.clock })
  t.teardown(() => server.close())
}

/** `N`, our flags, creation 1, and the name; as hexadecimal digits. */
function nameOf(name: string): string {
  return `4e${FLAGS}00000001${lengthAndText(name)}`
}

/** `N`, flags, a challenge, a creation, and the name. */
function challengeOf(name: string): string {
  return `4e${FLAGS}0000002a00000001${lengthAndText(name)}`
}

const FLAGS = '0000000d07df7fbd'

function lengthAndText(text: string): string {
  return text.length.toString(16).padStart(4, '0') + Buffer.from(text, 'latin1').toString('hex')
}

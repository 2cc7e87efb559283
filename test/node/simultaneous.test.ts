/** Both nodes dial at about the same time, in many ways: one connection comes of it, and nobody sees more of it. */
import { test } from 'tap'
import type { BeamNode } from '../../src/beam-node.ts'
import type { Clock } from '../../src/core/index.ts'
import { atom } from '../../src/etf/index.ts'
import type { Network, Transport } from '../../src/net/index.ts'
import type { Resolver } from '../../src/node/index.ts'
import { RawPeer } from '../dist/pair.ts'
import { BarePeer } from '../support/bare-peer.ts'
import { randomFrom } from '../support/random.ts'
import { failure, nodeEvents, type Teardown, TestNodes } from '../support/two-nodes.ts'

const SEEDS = 150
const PORT = 9100

interface Race {
  readonly nodes: TestNodes
  readonly pair: readonly [BeamNode, BeamNode]
  readonly events: readonly [string[], string[]]
  readonly random: (below: number) => number
}

/** Two nodes whose links, lookups and chunks are as the seed says. */
async function race(t: Teardown, seed: number): Promise<Race> {
  const next = randomFrom(seed)
  const random = (below: number): number => Math.floor(next() * below)
  const nodes = new TestNodes(t, {
    delay: random(4) === 0 ? 0 : random(12),
    ...(random(3) === 0 ? { chunkBytes: 1 + random(5) } : {}),
  })
  const start = (name: string): Promise<BeamNode> =>
    nodes.start(name, {
      epmd: 'none',
      listen: { port: PORT },
      resolver: slowResolver(nodes.clock, () => random(15)),
      network: withKernel(nodes.network.host(name)),
    })
  const a = await start('a')
  const b = await start('b')
  return { nodes, pair: [a, b], events: [nodeEvents(a), nodeEvents(b)], random }
}

/**
 * As a kernel does, this network delivers what was written to a stream that its owner has destroyed meanwhile: so the
 * names of both nodes arrive although one of them has given way.
 */
function withKernel(network: Network): Network {
  const keepSending = (transport: Transport): Transport => {
    transport.destroy = () => transport.end()
    return transport
  }
  return {
    connect: async (options) => keepSending(await network.connect(options)),
    listen: (at, accept) => network.listen(at, (transport) => accept(keepSending(transport))),
  }
}

function slowResolver(clock: Clock, delay: () => number): Resolver {
  return {
    resolve: ({ host }) =>
      new Promise((resolve) => {
        clock.after(delay(), () => resolve({ host, port: PORT }))
      }),
  }
}

function later<T>(clock: Clock, ms: number, run: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    clock.after(ms, () => run().then(resolve, reject))
  })
}

test(`both dial: one connection, one nodeup each, no complaint (${SEEDS} seeds)`, async (t) => {
  for (let seed = 0; seed < SEEDS; seed++) {
    const { events, nodes, pair, random } = await race(t, seed)
    const [a, b] = pair
    const dials = [
      later(nodes.clock, random(25), () => a.connect(b.name)),
      later(nodes.clock, random(25), () => b.connect(a.name)),
    ]
    await nodes.during(Promise.all(dials), 1)
    await nodes.elapse(200)
    const seen = { a: a.nodes(), b: b.nodes(), events, complaints: nodes.complaints() }
    const expected = { a: [b.name], b: [a.name], events: [['up b@b'], ['up a@a']], complaints: [] }
    if (!t.same(seen, expected, `seed ${seed}`)) break
    const pings = await nodes.during(Promise.all([a.ping(b.name), b.ping(a.name)]), 5)
    if (!t.same(pings, ['pong', 'pong'], `seed ${seed}`)) break
    await nodes.stop()
  }
})

test(`what is sent while both dial arrives, once and in order (${SEEDS} seeds)`, async (t) => {
  for (let seed = 1000; seed < 1000 + SEEDS; seed++) {
    const { nodes, pair, random } = await race(t, seed)
    const got = pair.map((node) => {
      const received: unknown[] = []
      node.register(
        'sink',
        node.spawn(async (self) => {
          for (;;) received.push(await self.receive())
        }),
      )
      return received
    })
    for (const [index, node] of pair.entries()) {
      const to = ['sink', pair[1 - index]!.name] as const
      for (let n = 0; n < 10; n++) nodes.clock.after(random(60), () => node.send(to, ++sent[index]!))
    }
    const sent = [0, 0]
    await nodes.elapse(300)
    const all = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    if (!t.same(got, [all, all], `seed ${seed}`)) break
    await nodes.stop()
  }
})

test('four nodes that all join each other at start end up fully connected, once each', async (t) => {
  for (const delay of [0, 1, 7]) {
    const nodes = new TestNodes(t, { delay })
    const names = ['a', 'b', 'c', 'd']
    const all = await Promise.all(names.map((name) => nodes.start(name, { epmd: 'embedded' })))
    const events = all.map(nodeEvents)
    const joins = all.flatMap((node) =>
      all.filter((other) => other !== node).map((other) => node.connect(other.name)),
    )
    await nodes.during(Promise.all(joins), 1)
    await nodes.elapse(500)
    for (const [index, node] of all.entries()) {
      const others = all.filter((other) => other !== node).map(({ name }) => `up ${name}`)
      t.same(events[index]!.sort(), others, `${node.name}, delay ${delay}`)
    }
    t.same(nodes.complaints(), [])
    await nodes.stop()
  }
})

test('a node does not dial a peer whose own attempt is under way', async (t) => {
  const nodes = new TestNodes(t, { delay: 10 })
  const a = await nodes.start('a')
  const peer = new BarePeer({ name: 'p@a', network: nodes.network.host('a'), clock: nodes.clock })
  let dialed = 0
  await nodes.during(peer.listen(() => dialed++))
  const theirs = peer.dial('a@a')
  await nodes.elapse(60)
  t.same(a.nodes(), [])
  await nodes.during(Promise.all([theirs, a.connect('p@a')]), 5)
  t.equal(dialed, 0)
  t.same(a.nodes(), [atom('p@a')])
  peer.close()
})

test('a node dials after all when the attempt of the peer fails', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a')
  const network = nodes.network.host('a')
  const peer = new BarePeer({ name: 'p@a', network, clock: nodes.clock })
  await peer.listen((transport) => void peer.accept(transport))
  const broken = new RawPeer(await network.connect({ host: 'a', port: a.port }))
  broken.message('4e0000000d07df7fbd0000000100037040'.concat('61'))
  t.equal((await broken.nextMessage()).toString('latin1'), 'sok')
  const joined = a.connect('p@a')
  await nodes.settle()
  t.same(a.nodes(), [])
  broken.transport.destroy()
  await joined
  t.same(a.nodes(), [atom('p@a')])
  peer.close()
})

test('a node whose attempt loses waits for the one of the peer, and no longer than the set-up time', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a')
  const peer = new BarePeer({ name: 'p@a', network: nodes.network.host('a'), clock: nodes.clock })
  await peer.listen((transport) => void peer.accept(transport, 'nok').catch(() => {}))
  const lost = failure(a.connect('p@a'))
  await nodes.settle()
  await nodes.elapse(6900)
  const kept = a.connect('p@a')
  await nodes.elapse(100)
  t.match(await lost, { code: 'ERR_NODE_UNREACHABLE', message: /dialing this node itself, and did not come/ })
  t.match(await failure(kept), { code: 'ERR_NODE_UNREACHABLE' })

  const again = a.connect('p@a')
  await nodes.settle()
  await peer.dial('a@a')
  await again
  t.same(a.nodes(), [atom('p@a')])
  peer.close()
})

test('a node that gives way while the peer breaks off dials again by itself', async (t) => {
  const nodes = new TestNodes(t, { delay: 10 })
  const options = { epmd: 'none', listen: { port: PORT } } as const
  const resolver: Resolver = { resolve: async ({ host }) => ({ host, port: PORT }) }
  const a = await nodes.start('a', { ...options, resolver, connect: ['b@b'] })
  t.same(a.nodes(), [])
  const b = await nodes.start('b', { ...options, resolver })
  void b.connect(a.name).catch(() => {})
  await nodes.elapse(20)
  nodes.network.reset('a', 'b')
  await nodes.elapse(30_000)
  t.same(a.nodes(), [atom('b@b')])
  t.same(b.nodes(), [atom('a@a')])
})

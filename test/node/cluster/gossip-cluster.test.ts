/** libcluster's gossip: its packets, and nodes that find each other by them. */
import { createCipheriv, createHash } from 'node:crypto'
import { test } from 'tap'
import { freePort } from '../../../interop/support/wait.ts'
import { atom, encode, tuple } from '../../../src/etf/index.ts'
import { type DatagramOptions, type Datagrams, openDatagrams } from '../../../src/net/index.ts'
import { type GossipClusterOptions, gossipOver } from '../../../src/node/cluster/gossip-cluster.ts'
import { decodeGossip, encodeGossip, keyOf } from '../../../src/node/cluster/gossip-packet.ts'
import { gossipCluster } from '../../../src/node/index.ts'
import { FakeHost } from './host.ts'

const NAME = 'app@10.0.0.2'

test('a packet without a secret is the prelude and a map', async (t) => {
  // term_to_binary(%{node: :"app@10.0.0.2"}) of OTP 25 and of OTP 27 and later.
  for (const hex of [
    `8374000000016400046e6f646564000c${Buffer.from(NAME).toString('hex')}`,
    `83740000000177046e6f6465770c${Buffer.from(NAME).toString('hex')}`,
  ]) {
    const packet = Buffer.concat([Buffer.from('heartbeat::'), Buffer.from(hex, 'hex')])
    t.equal(decodeGossip(packet, undefined), NAME)
  }
  t.match(Buffer.from(encodeGossip(NAME, undefined)).toString('latin1'), /^heartbeat::\x83t/)
  t.equal(decodeGossip(encodeGossip(NAME, undefined), undefined), NAME)
})

test('a secret encrypts, with another start each time', async (t) => {
  const key = keyOf('somepassword')
  const [one, two] = [encodeGossip(NAME, key), encodeGossip(NAME, key)]
  t.notSame(one, two)
  t.equal(decodeGossip(one, key), NAME)
  t.equal(decodeGossip(one, keyOf('another')), undefined)
  t.equal(decodeGossip(one, undefined), undefined)
  t.equal(decodeGossip(encodeGossip(NAME, undefined), key), undefined)
  // The format, built from its description.
  const iv = Buffer.alloc(16, 7)
  const cipher = createCipheriv('aes-256-cbc', createHash('sha256').update('somepassword').digest(), iv)
  const plain = Buffer.concat([Buffer.from('heartbeat::'), encode({ node: atom(NAME) })])
  t.equal(decodeGossip(Buffer.concat([iv, cipher.update(plain), cipher.final()]), key), NAME)
})

test('whatever else arrives is nothing', async (t) => {
  const packet = (term: Parameters<typeof encode>[0]) =>
    Buffer.concat([Buffer.from('heartbeat::'), encode(term)])
  const key = keyOf('x')
  for (const bytes of [
    Buffer.alloc(0),
    Buffer.from('heartbeat::'),
    Buffer.from('heartbeat::\x83'),
    Buffer.from('hello'),
    packet(atom(NAME)),
    packet({ node: NAME }),
    packet({ name: atom(NAME) }),
    packet(new Map([[atom('node'), tuple(atom(NAME))]])),
    packet(Array.from({ length: 1000 }, () => atom(NAME))),
    Buffer.alloc(16),
    Buffer.alloc(64, 1),
    Buffer.alloc(65, 1),
  ]) {
    t.equal(decodeGossip(bytes, undefined), undefined, bytes.toString('latin1'))
    t.equal(decodeGossip(bytes, key), undefined)
  }
  const whole = packet({ node: atom(NAME) })
  for (let end = 0; end < whole.length; end++)
    t.equal(decodeGossip(whole.subarray(0, end), undefined), undefined)
  t.equal(decodeGossip(Buffer.concat([whole, Buffer.alloc(1)]), undefined), undefined)
  const compressed = encode({ node: atom(`${'x'.repeat(200)}@10.0.0.2`) }, { compress: true })
  t.equal(decodeGossip(Buffer.concat([Buffer.from('heartbeat::'), compressed]), undefined), undefined)
})

test('names are heard however many there were before, and become no atoms', async (t) => {
  const heard: string[] = []
  for (let i = 0; i < 50_000; i++) {
    const name = `n${i}@10.9.9.9`
    const bytes = Buffer.from(`heartbeat::\x83t\0\0\0\x02w\x01aw\x01bw\x04nodew\0${name}`, 'latin1')
    bytes.writeUInt8(name.length, bytes.length - name.length - 1)
    if (decodeGossip(bytes, undefined) === name) heard.push(name)
  }
  t.equal(heard.length, 50_000)
})

/** A network in memory: what one sends, all hear. */
function air() {
  const ears: DatagramOptions[] = []
  const sent: string[] = []
  const open = async (options: DatagramOptions): Promise<Datagrams> => {
    ears.push(options)
    return {
      send: (bytes, host, port) => {
        sent.push(`${host}:${port}`)
        for (const ear of ears) ear.onMessage(bytes)
      },
      close: async () => void ears.splice(ears.indexOf(options), 1),
    }
  }
  return { ears, sent, open }
}

test('nodes with one secret hear each other, at random times', async (t) => {
  const { ears, sent, open } = air()
  const [a, b, c] = [new FakeHost('a@h'), new FakeHost('b@h'), new FakeHost('c@h')]
  for (const host of [a, b, c]) for (const name of ['a@h', 'b@h', 'c@h']) host.reachable.add(name)
  const running = [
    await gossipOver(open, { secret: 's' }).start(a),
    await gossipOver(open, { secret: 's', address: '10.255.255.255', broadcast: true }).start(b),
    await gossipOver(open, { secret: 'other', ttl: 3, interface: '10.0.0.9', port: 1234 }).start(c),
  ]
  t.same(sent, ['233.252.1.32:45892', '10.255.255.255:45892', '233.252.1.32:1234'])
  t.same(
    ears.map(({ host, port, group }) => [host, port, group]),
    [
      ['0.0.0.0', 45892, { address: '233.252.1.32', interface: '0.0.0.0', ttl: 1 }],
      ['0.0.0.0', 45892, undefined],
      ['0.0.0.0', 1234, { address: '233.252.1.32', interface: '10.0.0.9', ttl: 3 }],
    ],
  )
  b.chance = 0
  await a.clock.elapse(4999)
  t.equal(sent.length, 3)
  await a.clock.elapse(1)
  t.equal(sent.length, 4)
  await b.clock.elapse(5000)
  t.same([[...a.connected], [...b.connected], [...c.connected]], [['b@h'], ['a@h'], []])
  for (const strategy of running) await strategy.stop()
  t.same([a.clock.pending, b.clock.pending, ears.length], [0, 0, 0])
})

test('a name that cannot be reached is not tried at every packet', async (t) => {
  const { ears, open } = air()
  const host = new FakeHost('a@h')
  const running = await gossipOver(open, {}).start(host)
  for (let packet = 0; packet < 50; packet++) ears[0]?.onMessage(encodeGossip('x@h', undefined))
  await host.clock.elapse(0)
  for (let packet = 0; packet < 50; packet++) ears[0]?.onMessage(encodeGossip('x@h', undefined))
  await host.clock.elapse(0)
  t.same(host.attempts, ['x@h 0'])
  await host.clock.elapse(500)
  ears[0]?.onMessage(encodeGossip('x@h', undefined))
  ears[0]?.onMessage(encodeGossip('no node name', undefined))
  t.same(host.attempts, ['x@h 0', 'x@h 500'])
  ears[0]?.onError(new Error('no route'))
  ears[0]?.onError(new Error('no route'))
  t.equal(host.warnings.filter((line) => line.includes('no route')).length, 1)
  await running.stop()
})

test('options that make no sense are refused', async (t) => {
  const bad: GossipClusterOptions[] = [
    { port: 0 },
    { port: 1.5 },
    { ttl: 256 },
    { address: 'localhost' },
    { host: '::' },
    { interface: 'eth0' },
    { secret: '' },
    { secret: 7 as never },
  ]
  for (const options of bad) t.throws(() => gossipCluster(options), { code: 'ERR_INVALID_OPTION' })
})

test('sockets of one machine share a port, and hear each other', async (t) => {
  const port = await freePort()
  const heard: string[] = []
  const open = async (name: string): Promise<Datagrams> => {
    const socket = await openDatagrams({
      host: '0.0.0.0',
      port,
      group: { address: '233.252.1.32', interface: '127.0.0.1', ttl: 1 },
      onMessage: (bytes) => void heard.push(`${name} ${Buffer.from(bytes)}`),
      onError: (error) => t.fail(error.message),
    })
    t.teardown(() => socket.close())
    return socket
  }
  const [one] = [await open('one'), await open('two')]
  while (new Set(heard).size < 2) {
    one.send(Buffer.from('hello'), '233.252.1.32', port)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  t.same(new Set(heard), new Set(['one hello', 'two hello']))
  await t.rejects(
    open('1.2.3.4').then(() =>
      openDatagrams({ host: '192.0.2.1', port, group: undefined, onMessage() {}, onError() {} }),
    ),
    {
      name: 'NetError',
      code: 'ERR_NET_ADDRESS_UNAVAILABLE',
    },
  )
})

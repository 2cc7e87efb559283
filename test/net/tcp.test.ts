/** TCP over real sockets: the shared behaviour, and what only sockets have. */
import { randomInt } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { type Test, test } from 'tap'
import { TcpNetwork } from '../../src/net/index.ts'
import { randomFrom } from '../support/random.ts'
import { networkSuite } from './network-suite.ts'
import { Recorder, recordFirst } from './recorder.ts'

const network = new TcpNetwork()
const hasIpv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === '::1'),
)

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
  return address.port
}

networkSuite('TCP', () => ({
  server: network,
  client: network,
  host: '127.0.0.1',
  foreignAddress: '192.0.2.1',
  unknownHost: 'no-such-host.invalid',
}))

test('TCP works over IPv6', { skip: hasIpv6 ? false : 'this machine has no IPv6 loopback' }, async (t) => {
  const { listener, accepted } = await recordFirst(network, { host: '::1', port: 0 })
  const client = new Recorder(await network.connect({ host: '::1', port: listener.port }))
  const server = await accepted
  t.equal(client.transport.remote, `[::1]:${listener.port}`)
  t.equal(server.transport.remoteAddress, '::1')
  client.transport.end()
  t.equal(await server.closed(), undefined)
  await listener.close()
})

test('an IPv4 peer of a listener on both families has its plain IPv4 address', async (t) => {
  const { listener, accepted } = await recordFirst(network, { host: '', port: 0 })
  const client = new Recorder(await network.connect({ host: '127.0.0.1', port: listener.port }))
  const server = await accepted
  t.equal(server.transport.remoteAddress, '127.0.0.1')
  t.equal(server.transport.localAddress, '127.0.0.1')
  client.transport.destroy()
  await server.closed()
  await listener.close()
})

test('end closes even when the peer never ends its side', async (t) => {
  const sockets: Socket[] = []
  const raw = createServer({ allowHalfOpen: true }, (socket) => sockets.push(socket.resume()))
  await new Promise<void>((resolve) => raw.listen(0, '127.0.0.1', resolve))
  const client = new Recorder(await network.connect({ host: '127.0.0.1', port: portOf(raw) }))
  client.transport.write(Buffer.from('bye'))
  client.transport.end()
  t.equal(await client.closed(), undefined)
  for (const socket of sockets) socket.destroy()
  raw.close()
})

test('a connection that the peer resets closes with ERR_NET_RESET and keeps the cause', async (t) => {
  const sockets: Socket[] = []
  const raw = createServer((socket) => sockets.push(socket))
  await new Promise<void>((resolve) => raw.listen(0, '127.0.0.1', resolve))
  const connected = new Promise((resolve) => raw.once('connection', resolve))
  const client = new Recorder(await network.connect({ host: '127.0.0.1', port: portOf(raw) }))
  await connected
  sockets[0]!.resetAndDestroy()
  t.match(await client.closed(), { name: 'NetError', code: 'ERR_NET_RESET', cause: { code: 'ECONNRESET' } })
  raw.close()
})

test('writes of any size, corked or not, arrive in order when the kernel takes only a part of them', async (t) => {
  const seed = Number(process.env['SEED'] ?? randomInt(2 ** 31))
  t.comment(`SEED=${seed}`)
  const random = randomFrom(seed)
  const { listener, accepted } = await recordFirst(network, { host: '127.0.0.1', port: 0 })
  const { transport } = new Recorder(await network.connect({ host: '127.0.0.1', port: listener.port }))
  const server = await accepted
  const sent: Buffer[] = []
  let [waits, tries] = [0, 0]
  for (let i = 0; i < 200; i++) {
    if (i % 40 === 0) server.transport.pause()
    if (i % 40 === 30) server.transport.resume()
    const size = random() < 0.2 ? Math.floor(random() * 2 ** 21) : Math.floor(random() * 200) + 1
    const bytes = Buffer.alloc(size, i % 256)
    const corked = random() < 0.2
    if (corked) transport.cork?.()
    if (!corked && transport.bufferedBytes === 0 && random() < 0.5) {
      const cut = Math.floor(random() * size)
      const taken = transport.tryWrite!([bytes.subarray(0, cut), bytes.subarray(cut)])
      if (taken === size) tries++
      else transport.write(bytes.subarray(taken))
    } else {
      transport.write(bytes)
    }
    if (corked) transport.uncork?.()
    if (transport.bufferedBytes > 0) waits++
    sent.push(bytes)
    if (random() < 0.3) await new Promise((resolve) => setImmediate(resolve))
  }
  const all = Buffer.concat(sent)
  await server.until(() => server.chunks.reduce((sum, { length }) => sum + length, 0) >= all.length)
  t.ok(server.bytes.equals(all))
  t.ok(tries > 0, `${tries} were taken at once`)
  t.ok(waits > 0, `after ${waits} of 200 writes something had to wait`)
  transport.end()
  t.equal(await server.closed(), undefined)
  await listener.close()
})

/** A server whose rests end when the test says so, and its client. */
async function resting(t: Test) {
  const ends: (() => void)[] = []
  const { setTimeout } = globalThis
  const { listener, accepted } = await recordFirst(network, { host: '127.0.0.1', port: 0 })
  const { transport: client } = new Recorder(
    await network.connect({ host: '127.0.0.1', port: listener.port }),
  )
  const server = await accepted
  t.intercept(globalThis, 'setTimeout', {
    value: ((fire: () => void, ms: number) =>
      ms === 1 ? void ends.push(fire) : setTimeout(fire, ms)) as never,
  })
  await listener.close()
  /** What is sent has been read, if it is read at all: another pair of sockets has had its turn with the same. */
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 3; i++) {
      const other = await recordFirst(network, { host: '127.0.0.1', port: 0 })
      const { transport } = new Recorder(
        await network.connect({ host: '127.0.0.1', port: other.listener.port }),
      )
      transport.write(Buffer.from('x'))
      await (await other.accepted).received(1)
      transport.destroy()
      await other.listener.close()
    }
  }
  const endRest = (): void => ends.shift()?.()
  return { client, server, ends, endRest, settle }
}

test('a socket that rests reads nothing, and then all that has come', async (t) => {
  const { client, server, ends, endRest, settle } = await resting(t)
  client.write(Buffer.from('1'))
  await server.received(1)
  server.transport.rest?.()
  server.transport.rest?.()
  t.equal(ends.length, 1, 'it rests once')
  for (const text of ['2', '3', '4']) {
    client.write(Buffer.from(text))
    await settle()
  }
  t.equal(server.text, '1')
  endRest()
  await server.received(4)
  t.same(server.chunks.map(String), ['1', '234'])
  client.end()
  t.equal(await server.closed(), undefined)
})

test('a socket that is paused while it rests stays so, and resumed it rests on', async (t) => {
  const { client, server, endRest, settle } = await resting(t)
  server.transport.rest?.()
  server.transport.pause()
  server.transport.resume()
  client.write(Buffer.from('1'))
  await settle()
  t.equal(server.text, '', 'resumed')
  server.transport.pause()
  endRest()
  await settle()
  t.equal(server.text, '', 'paused')
  server.transport.resume()
  await server.received(1)
  server.transport.rest?.()
  server.transport.destroy()
  t.equal(await server.closed(), undefined)
  endRest()
})

test('a refused connect keeps the cause and says what happened', async (t) => {
  await t.rejects(network.connect({ host: '127.0.0.1', port: 1 }), {
    message: 'cannot connect to 127.0.0.1:1: nobody listens there (connection refused)',
    cause: { code: 'ECONNREFUSED' },
  })
})

/** The network in memory: the shared behaviour, and its controls. */
import { test } from 'tap'
import { OptionError } from '../../src/core/index.ts'
import { type Listener, MemoryNetwork, type MemoryOptions } from '../../src/net/index.ts'
import { FakeClock } from '../../src/testing/index.ts'
import { networkSuite } from './network-suite.ts'
import { Recorder } from './recorder.ts'

networkSuite('memory', () => {
  const network = new MemoryNetwork()
  return {
    server: network.host('b'),
    client: network.host('a'),
    host: 'b',
    foreignAddress: 'a',
    unknownHost: 'nowhere',
  }
})

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1')

async function turns(count = 5): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

interface Setup {
  readonly clock: FakeClock
  readonly network: MemoryNetwork
  readonly listener: Listener
  readonly client: Recorder
  readonly server: Recorder
}

/** A connection from host a to host b on a network with a fake clock. */
async function connectedPair(options: MemoryOptions = {}): Promise<Setup> {
  const clock = new FakeClock()
  const network = new MemoryNetwork({ clock, ...options })
  const accepted: Recorder[] = []
  const listener = await network
    .host('b')
    .listen({ host: '', port: 9000 }, (transport) => accepted.push(new Recorder(transport)))
  const connecting = network.host('a').connect({ host: 'b', port: 9000 })
  await clock.elapse(1000)
  const client = new Recorder(await connecting)
  return { clock, network, listener, client, server: accepted[0]! }
}

test('bytes take the delay, in order, and a shorter delay overtakes nothing', async (t) => {
  const { clock, network, client, server } = await connectedPair({ delay: 10 })
  client.transport.write(bytes('slow '))
  await clock.elapse(9)
  t.equal(server.text, '')
  network.setDelay(1, 'a', 'b')
  client.transport.write(bytes('quick'))
  await clock.elapse(1)
  t.equal(server.text, 'slow quick')
  server.transport.write(bytes('back'))
  clock.advance(1)
  t.equal(client.text, 'back', 'advance delivers at once what is due')
})

test('a connect takes a round trip and can be given up on the way', async (t) => {
  const clock = new FakeClock()
  const network = new MemoryNetwork({ clock, delay: 10 })
  let accepts = 0
  await network.host('b').listen({ host: 'b', port: 1 }, () => accepts++)
  const controller = new AbortController()
  const gone = network.host('a').connect({ host: 'b', port: 1, signal: controller.signal })
  let settled = false
  const slow = network.host('a').connect({ host: 'b', port: 1 })
  slow.then(() => {
    settled = true
  })
  await clock.elapse(5)
  controller.abort()
  await t.rejects(gone, { code: 'ERR_NET_ABORTED' })
  await clock.elapse(14)
  t.equal(settled, false)
  t.equal(accepts, 1, 'the aborted one never arrived')
  await clock.elapse(1)
  t.equal(settled, true)
})

test('a cut link is silent, and what was written arrives after the heal', async (t) => {
  const { network, client, server } = await connectedPair()
  network.cut('a', 'b')
  client.transport.write(bytes('held'))
  server.transport.write(bytes('up'))
  await turns()
  t.equal(server.text + client.text, '')
  t.equal(client.closes.length + server.closes.length, 0)
  t.equal(client.transport.bufferedBytes, 4)
  network.heal('a', 'b')
  await turns()
  t.equal(server.text, 'held')
  t.equal(client.text, 'up')
  t.equal(client.transport.bufferedBytes, 0)
})

test('writing into a cut link ends at the high-water mark', async (t) => {
  const { network, client, server } = await connectedPair({ highWaterMark: 8 })
  network.cut('a', 'b')
  t.equal(client.transport.write(bytes('1234')), true)
  t.equal(client.transport.write(bytes('5678')), false)
  await turns()
  t.equal(client.drains, 0)
  network.heal()
  await turns()
  t.equal(client.drains, 1)
  t.equal(server.text, '12345678')
})

test('an end that closes behind a cut leaves the other half-open until it hears of it', async (t) => {
  const { network, client, server } = await connectedPair()
  network.cut('a', 'b')
  client.transport.destroy()
  t.equal(await client.closed(), undefined)
  await turns()
  t.equal(server.closes.length, 0)
  server.transport.write(bytes('anybody there?'))
  await turns()
  t.equal(server.closes.length, 0)
  network.heal()
  await server.closed()
  t.equal(server.closes.length, 1)
})

test('an end that does not read learns by writing that its peer is gone', async (t) => {
  const { client, server } = await connectedPair()
  server.transport.pause()
  client.transport.destroy()
  await turns()
  t.equal(server.closes.length, 0)
  server.transport.write(bytes('anybody there?'))
  t.match(await server.closed(), { code: 'ERR_NET_RESET', operation: 'transfer' })
})

test('a one-way cut stops one direction only', async (t) => {
  const { network, client, server } = await connectedPair()
  network.cut('a', 'b', { oneWay: true })
  client.transport.write(bytes('lost'))
  server.transport.write(bytes('heard'))
  await turns()
  t.equal(server.text, '')
  t.equal(client.text, 'heard')
})

test('a connect over a cut link waits for the heal', async (t) => {
  const clock = new FakeClock()
  const network = new MemoryNetwork({ clock })
  await network.host('b').listen({ host: '', port: 1 }, (transport) => new Recorder(transport))
  network.cut('a', 'b')
  let connected = false
  const connecting = network.host('a').connect({ host: 'b', port: 1 })
  connecting.then(() => {
    connected = true
  })
  await clock.elapse(60_000)
  t.equal(connected, false)
  network.heal()
  await connecting
})

test('split cuts between the groups and nowhere else', async (t) => {
  const network = new MemoryNetwork()
  for (const name of ['a', 'b', 'c']) {
    await network.host(name).listen({ host: '', port: 1 }, (transport) => new Recorder(transport))
  }
  network.split(['a', 'b'], ['c'])
  await network.host('a').connect({ host: 'b', port: 1 })
  const controller = new AbortController()
  const { signal } = controller
  const across = [
    network.host('a').connect({ host: 'c', port: 1, signal }),
    network.host('c').connect({ host: 'b', port: 1, signal }),
  ]
  await turns()
  controller.abort()
  for (const attempt of across) await t.rejects(attempt, { code: 'ERR_NET_ABORTED' })
  network.heal()
  await network.host('c').connect({ host: 'a', port: 1 })
})

test('reset breaks both ends with ERR_NET_RESET and the link stays up', async (t) => {
  const { network, client, server } = await connectedPair()
  client.transport.write(bytes('lost'))
  network.reset('b', 'a')
  t.match(await client.closed(), { code: 'ERR_NET_RESET' })
  t.match(await server.closed(), { code: 'ERR_NET_RESET' })
  t.equal(server.text, '')
  await network.host('a').connect({ host: 'b', port: 9000 })
})

test('reset fails a connect that is under way', async (t) => {
  const network = new MemoryNetwork()
  await network.host('b').listen({ host: '', port: 1 }, () => t.fail('it never arrives'))
  const connecting = network.host('a').connect({ host: 'b', port: 1 })
  network.reset('a', 'b')
  await t.rejects(connecting, { code: 'ERR_NET_RESET' })
})

test('an end that waits for its buffer closes only when the peer has read', async (t) => {
  const { client, server } = await connectedPair()
  server.transport.pause()
  client.transport.write(new Uint8Array(1024 * 1024))
  client.transport.end()
  await turns()
  t.equal(client.closes.length, 0)
  server.transport.resume()
  t.equal(await client.closed(), undefined)
  t.equal(await server.closed(), undefined)
  t.equal(server.bytes.length, 1024 * 1024)
})

test('chunkBytes splits what arrives', async (t) => {
  const { client, server } = await connectedPair({ chunkBytes: 1 })
  client.transport.write(bytes('abc'))
  await turns()
  t.same(
    server.chunks.map((chunk) => chunk.length),
    [1, 1, 1],
  )
  t.equal(server.text, 'abc')
})

test('hosts have their own ports, and two networks share nothing', async (t) => {
  const one = new MemoryNetwork()
  const other = new MemoryNetwork()
  await one.host('a').listen({ host: '', port: 1 }, () => {})
  await one.host('b').listen({ host: '', port: 1 }, () => {})
  other.host('a')
  await t.rejects(other.host('b').connect({ host: 'a', port: 1 }), { code: 'ERR_NET_REFUSED' })
})

test('loopback reaches only listeners of the same host', async (t) => {
  const network = new MemoryNetwork()
  await network.host('a').listen({ host: '127.0.0.1', port: 1 }, (transport) => new Recorder(transport))
  const inside = new Recorder(await network.host('a').connect({ host: 'localhost', port: 1 }))
  t.equal(inside.transport.remote, '127.0.0.1:1')
  t.equal(inside.transport.localAddress, '127.0.0.1')
  for (const host of ['a', '127.0.0.1']) {
    await t.rejects(network.host('b').connect({ host, port: 1 }), { code: 'ERR_NET_REFUSED' })
  }
})

test('addresses that overlap cannot share a port', async (t) => {
  const host = new MemoryNetwork().host('a')
  await host.listen({ host: '127.0.0.1', port: 1 }, () => {})
  await host.listen({ host: '::1', port: 1 }, () => {})
  await host.listen({ host: 'a', port: 1 }, () => {})
  for (const address of ['', 'a', 'localhost']) {
    await t.rejects(
      host.listen({ host: address, port: 1 }, () => {}),
      { code: 'ERR_NET_ADDRESS_IN_USE' },
    )
  }
})

test('a host cannot have the name of an address', (t) => {
  const network = new MemoryNetwork()
  for (const name of ['', 'localhost', '127.0.0.1', '::1', '0.0.0.0']) {
    t.throws(() => network.host(name), OptionError)
  }
  t.end()
})

test('destroy drops what a kernel would not have taken', async (t) => {
  const { client, server } = await connectedPair()
  client.transport.write(new Uint8Array(60_000))
  client.transport.write(new Uint8Array(60_000))
  client.transport.destroy()
  await server.closed()
  t.equal(server.text.length, 60_000)
})

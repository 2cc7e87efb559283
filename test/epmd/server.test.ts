/** Our epmd as its clients see it, over TCP and in memory. */
import { test } from 'tap'
import { EpmdClient, EpmdServer } from '../../src/epmd/index.ts'
import { MemoryNetwork, type Network, TcpNetwork } from '../../src/net/index.ts'
import { Recorder } from '../net/recorder.ts'
import { eventually } from './harness.ts'

const unhex = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex')

const networks: readonly [name: string, makeNetwork: () => Network][] = [
  ['TCP', () => new TcpNetwork()],
  ['memory', () => new MemoryNetwork().host('local')],
]

for (const [kind, makeNetwork] of networks) {
  const start = async () => {
    const network = makeNetwork()
    const server = await EpmdServer.listen({ network, host: '127.0.0.1', port: 0 })
    const client = new EpmdClient({ network, port: server.port })
    const open = async () => new Recorder(await network.connect({ host: '127.0.0.1', port: server.port }))
    return { network, server, client, open }
  }

  test(`${kind}: a registered node is found and listed until its registration is closed`, async (t) => {
    const { server, client } = await start()
    const extra = Uint8Array.of(1, 2, 3)
    const first = await client.register({ name: 'n1', port: 40001 })
    const second = await client.register({ name: 'n2', port: 40002, hidden: true, extra })
    t.match(await client.lookup('n1'), { name: 'n1', port: 40001, nodeType: 77, highestVersion: 6 })
    const found = await client.lookup('n2')
    t.match(found, { port: 40002, nodeType: 72, protocol: 0, lowestVersion: 6 })
    t.same([...found!.extra], [1, 2, 3])
    t.same(await client.names(), [
      { name: 'n2', port: 40002 },
      { name: 'n1', port: 40001 },
    ])
    t.match(server.names(), [{ name: 'n2' }, { name: 'n1' }])
    first.close()
    first.close()
    await eventually(() => server.names().length === 1)
    t.equal(await client.lookup('n1'), undefined)
    second.close()
    await server.close()
  })

  test(`${kind}: a name is taken once, and its next incarnation has the next creation`, async (t) => {
    const { server, client } = await start()
    const first = await client.register({ name: 'n1', port: 1 })
    await t.rejects(client.register({ name: 'n1', port: 2 }), {
      name: 'EpmdError',
      code: 'ERR_EPMD_NAME_TAKEN',
      message: /'n1' is taken: the epmd at 127\.0\.0\.1:\d+ .*[Cc]hoose another name/,
    })
    first.close()
    await eventually(() => server.names().length === 0)
    const second = await client.register({ name: 'n1', port: 2 })
    t.equal(second.creation, first.creation + 1)
    second.close()
    await server.close()
  })

  test(`${kind}: a request may arrive byte by byte`, async (t) => {
    const { server, open } = await start()
    const node = await open()
    for (const byte of unhex('000e 78 0fa0 4d 00 0006 0006 0001 61 0000')) {
      node.transport.write(Uint8Array.of(byte))
      await new Promise((resolve) => setImmediate(resolve))
    }
    t.equal((await node.received(6)).toString('hex').slice(0, 4), '7600')
    t.match(server.names(), [{ name: 'a', port: 4000 }])
    node.transport.destroy()
    await server.close()
  })

  test(`${kind}: closing the server, twice, tells its nodes and frees its port`, async (t) => {
    const { network, server, client } = await start()
    const registration = await client.register({ name: 'n1', port: 1 })
    const lost = new Promise<void>((resolve) => {
      registration.onLost = resolve
    })
    await Promise.all([server.close(), server.close()])
    await lost
    t.equal(registration.isOpen, false)
    await t.rejects(client.names(), { code: 'ERR_EPMD_UNREACHABLE' })
    const again = await EpmdServer.listen({ network, host: '127.0.0.1', port: server.port })
    await again.close()
  })

  test(`${kind}: a second server on the same port is told that it is in use`, async (t) => {
    const { network, server } = await start()
    await t.rejects(EpmdServer.listen({ network, host: '127.0.0.1', port: server.port }), {
      name: 'EpmdError',
      code: 'ERR_EPMD_ADDRESS_IN_USE',
      message: /something listens there, probably an epmd/,
      cause: { code: 'ERR_NET_ADDRESS_IN_USE' },
    })
    await server.close()
  })

  test(`${kind}: an address of another machine is a failure of its own`, async (t) => {
    const failed = EpmdServer.listen({ network: makeNetwork(), host: '192.0.2.1', port: 0 })
    await t.rejects(failed, {
      code: 'ERR_EPMD_LISTEN_FAILED',
      cause: { code: 'ERR_NET_ADDRESS_UNAVAILABLE' },
    })
  })
}

test('a server on every interface serves IPv4 peers as local ones', async (t) => {
  const network = new TcpNetwork()
  const server = await EpmdServer.listen({ network, port: 0 })
  const client = new EpmdClient({ network, port: server.port })
  const registration = await client.register({ name: 'n1', port: 1 })
  t.match(server.names(), [{ name: 'n1' }])
  registration.close()
  await server.close()
})

test('a server on one address serves loopback too, since nodes register there', async (t) => {
  const network = new MemoryNetwork()
  const server = await EpmdServer.listen({ network: network.host('a'), host: 'a', port: 4369 })
  const registration = await new EpmdClient({ network: network.host('a') }).register({ name: 'n1', port: 1 })
  network.host('b')
  const far = new EpmdClient({ network: network.host('b') })
  t.match(await far.lookup('n1', { host: 'a' }), { port: 1 })
  t.same(await far.names('a'), [{ name: 'n1', port: 1 }])
  registration.close()
  await server.close()
})

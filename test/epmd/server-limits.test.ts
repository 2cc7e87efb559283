/** Our epmd under clients that are slow, silent or many. */
import { test } from 'tap'
import { eventually, startHarness } from './harness.ts'

const NAMES = Buffer.from('00016e', 'hex')

test('a connection without a complete request is closed after the packet timeout', async (t) => {
  const { server, clock, warnings, open } = await startHarness()
  const silent = await open()
  await clock.elapse(59_999)
  t.equal(silent.closes.length, 0)
  await clock.elapse(1)
  await silent.closed()
  t.match(warnings, [/not complete within 60000 ms/])
  t.equal(clock.pending, 0)
  await server.close()
})

test('a request that trickles in wins no time', async (t) => {
  const { server, clock, open } = await startHarness({ packetTimeout: 1000 })
  const slow = await open()
  for (const byte of [0x00, 0x05, 0x7a, 0x61]) {
    slow.transport.write(Uint8Array.of(byte))
    await clock.elapse(249)
  }
  t.equal(slow.closes.length, 0)
  await clock.elapse(4)
  await slow.closed()
  t.equal(slow.text, '')
  await server.close()
})

test('a requester that never reads its answer is dropped in time', async (t) => {
  const { server, client, clock, open } = await startHarness({ packetTimeout: 1000 })
  for (let i = 0; i < 300; i++) await client.register({ name: `${i}-${'n'.repeat(240)}`, port: 1 })
  const deaf = await open()
  deaf.transport.write(NAMES)
  deaf.transport.pause()
  await clock.elapse(999)
  t.equal(clock.pending, 1, 'its timer runs')
  await clock.elapse(1)
  deaf.transport.resume()
  await deaf.closed()
  t.ok(deaf.bytes.length < 300 * 240, 'the rest of the answer was dropped')
  t.equal(clock.pending, 0)
  await server.close()
})

test('a registered node is under no timeout, a refused one is', async (t) => {
  const { server, client, clock, open } = await startHarness()
  const registration = await client.register({ name: 'a', port: 1 })
  const refused = await open()
  refused.transport.write(Buffer.from('000e780fa04d00000600060001610000', 'hex'))
  await refused.received(6)
  await clock.elapse(60_000)
  await refused.closed()
  await clock.elapse(3_600_000)
  t.equal(registration.isOpen, true)
  t.match(server.names(), [{ name: 'a' }])
  registration.close()
  await server.close()
})

test('when all places are taken the longest waiting one gives way, and nodes never do', async (t) => {
  const { server, client, open } = await startHarness({ maxConnections: 3 })
  const node = await client.register({ name: 'n1', port: 1 })
  const oldest = await open('remote')
  const younger = await open('remote')
  t.same(await client.names(), [{ name: 'n1', port: 1 }], 'a newcomer is served')
  await oldest.closed()
  t.equal(younger.closes.length, 0)
  t.equal(node.isOpen, true)
  await server.close()
})

test('when nodes hold all places a newcomer is turned away, until one leaves', async (t) => {
  const { server, client, warnings } = await startHarness({ maxConnections: 2 })
  const one = await client.register({ name: 'n1', port: 1 })
  const two = await client.register({ name: 'n2', port: 2 })
  await t.rejects(client.names(), { code: 'ERR_EPMD_CLOSED' })
  t.match(warnings, [/all places are taken by nodes/])
  one.close()
  await eventually(() => server.names().length === 1)
  t.same(await client.names(), [{ name: 'n2', port: 2 }])
  two.close()
  await server.close()
})

test('closed connections leave nothing behind', async (t) => {
  const { server, client, clock } = await startHarness({ maxConnections: 2, maxOldNames: 5 })
  for (let i = 0; i < 50; i++) {
    const registration = await client.register({ name: `n${i}`, port: 1 })
    await client.names()
    registration.close()
    await eventually(() => server.names().length === 0)
  }
  t.equal(clock.pending, 0)
  await server.close()
})

/** What our epmd answers, byte for byte as OTP's does, and what it refuses. Bytes were captured from OTP 25 and 29. */
import { test } from 'tap'
import { EpmdServer } from '../../src/epmd/index.ts'
import type { Network, Transport } from '../../src/net/index.ts'
import { eventually, NOW, startHarness } from './harness.ts'

const unhex = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex')
const packet = (body: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from([body.length >> 8, body.length & 255]), body])
const text = (value: string): Uint8Array => packet(Buffer.from(value))

/** ALIVE2_REQ for a node at port 4000. */
function alive2(name: Uint8Array | string, version = 6): Uint8Array {
  const bytes = Buffer.from(name)
  const head = unhex(`78 0fa0 4d 00 000${version} 000${version}`)
  return packet(
    Buffer.concat([head, Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes, unhex('0000')]),
  )
}

test('a registration is answered in the form of the requester version, and stays open', async (t) => {
  const { server, open } = await startHarness()
  const modern = await open()
  modern.transport.write(alive2('a'))
  t.equal((await modern.received(6)).toString('hex'), `7600${(NOW + 1).toString(16)}`)
  const old = await open()
  old.transport.write(alive2('v5', 5))
  t.equal((await old.received(4)).toString('hex'), `7900000${((NOW + 1) % 3) + 1}`)
  t.equal(modern.closes.length + old.closes.length, 0)
  await server.close()
})

test('a refusal keeps the connection open and carries 99 for a creation', async (t) => {
  const { server, warnings, open } = await startHarness()
  const node = await open()
  node.transport.write(alive2('a'))
  await node.received(6)
  const expected: readonly [request: Uint8Array, answer: string][] = [
    [alive2('a'), '760100000063'],
    [alive2('a', 5), '79010063'],
    [alive2(unhex('ff fe')), '760100000063'],
    [alive2('n'.repeat(256)), '760100000063'],
  ]
  for (const [request, answer] of expected) {
    const other = await open()
    other.transport.write(request)
    t.equal((await other.received(answer.length / 2)).toString('hex'), answer)
    t.equal(other.closes.length, 0)
    other.transport.destroy()
  }
  t.equal(warnings.length, 4)
  t.match(warnings[0], /refused to register a node: the name 'a' is taken/)
  await server.close()
})

test('a lookup is answered and the connection closed', async (t) => {
  const { server, open, ask } = await startHarness()
  const node = await open()
  node.transport.write(alive2('a'))
  await node.received(6)
  t.equal((await ask(text('za'))).toString('hex'), '77000fa04d00000600060001610000')
  t.equal((await ask(text('za\0'))).toString('hex'), '77000fa04d00000600060001610000')
  t.equal((await ask(text('znone'))).toString('hex'), '7701')
  await server.close()
})

test('names carry the real port, and a dump the remembered names', async (t) => {
  const { server, open, ask } = await startHarness({ port: 24777 })
  for (const name of ['a', 'b', 'gone']) {
    const node = await open()
    node.transport.write(alive2(name))
    await node.received(6)
    if (name === 'gone') node.transport.end()
  }
  await eventually(() => server.names().length === 2)
  t.equal((await ask(text('n'))).toString(), '\0\0`\u{fffd}name b at port 4000\nname a at port 4000\n')
  const dump = await ask(text('d'))
  t.equal(dump.readUInt32BE(), 24777)
  t.equal(
    dump.subarray(4).toString(),
    'active name     <b> at port 4000, fd = 2\n\0active name     <a> at port 4000, fd = 1\n\0' +
      'old/unused name <gone>, port = 4000, fd = 3 \n\0',
  )
  await server.close()
})

test('kill is answered NO and stop not at all, and the server lives on', async (t) => {
  const { server, client, warnings, open, ask } = await startHarness()
  const node = await open()
  node.transport.write(alive2('a'))
  await node.received(6)
  t.equal((await ask(text('k'))).toString(), 'NO')
  t.equal((await ask(text('sa'))).toString(), '')
  t.match(warnings, [/relaxed mode only/])
  t.same(await client.names(), [{ name: 'a', port: 4000 }])
  await server.close()
})

test('in relaxed mode stop unregisters a node and closes its connection', async (t) => {
  const { server, open, ask } = await startHarness({ relaxed: true })
  const node = await open()
  node.transport.write(alive2('a'))
  await node.received(6)
  t.equal((await ask(text('snobody'))).toString(), 'NOEXISTSTOPPED')
  t.equal((await ask(text('sa\0'))).toString(), 'STOPPED')
  await node.closed()
  t.same(server.names(), [])
  await server.close()
})

test('in relaxed mode kill is answered and ends the server', async (t) => {
  const killed: string[] = []
  const { client, open, ask } = await startHarness({ relaxed: true, onKill: () => killed.push('killed') })
  const node = await open()
  node.transport.write(alive2('a'))
  await node.received(6)
  t.equal((await ask(text('k'))).toString(), 'OK')
  await node.closed()
  await eventually(() => killed.length > 0)
  t.same(killed, ['killed'])
  await t.rejects(client.names(), { code: 'ERR_EPMD_UNREACHABLE' })
})

test('programs on other machines may look up and list, and nothing else', async (t) => {
  const { server, warnings, open } = await startHarness({ relaxed: true })
  const askFromAfar = async (request: Uint8Array): Promise<string> => {
    const connection = await open('remote')
    connection.transport.write(request)
    await connection.closed()
    return connection.text
  }
  t.equal(await askFromAfar(text('za')), 'w\x01')
  t.equal(await askFromAfar(text('n')), '\0\0\x11\x11')
  t.equal(warnings.length, 0)
  for (const request of [alive2('a'), alive2(unhex('ff')), text('d'), text('k'), text('sa')]) {
    t.equal(await askFromAfar(request), '')
  }
  t.equal(warnings.length, 5)
  t.match(warnings[0], /it sent alive2, which only programs on this machine may send/)
  t.same(server.names(), [])
  await server.close()
})

test('a program that reaches this machine by its own address is local', async (t) => {
  const { server, network } = await startHarness()
  const transport = await network.host('local').connect({ host: 'local', port: server.port })
  t.not(transport.remoteAddress, '127.0.0.1')
  transport.handler = { onData() {}, onDrain() {}, onClose() {} }
  transport.write(alive2('a'))
  await eventually(() => server.names().length === 1)
  await server.close()
})

test('any byte on a registered connection unregisters the node', async (t) => {
  const { server, warnings, open } = await startHarness()
  const node = await open()
  node.transport.write(alive2('a'))
  await node.received(6)
  node.transport.write(Uint8Array.of(0))
  await node.closed()
  t.same(server.names(), [])
  t.match(warnings, [/sent bytes after its registration/])
  await server.close()
})

test('a malformed request gets no answer, a log line, and harms nobody else', async (t) => {
  const { server, client, warnings, ask } = await startHarness()
  const hostile: readonly [packet: Uint8Array, reason: RegExp][] = [
    [unhex('0000'), /request is empty/],
    [unhex('0001 51'), /unknown opcode 0x51/],
    [unhex('ea60 7a'), /60000 bytes, at most 3072/],
    [unhex('0c01'), /3073 bytes, at most 3072/],
    [unhex('0002 7a61 62'), /beyond its request/],
    [alive2(''), /name is empty/],
    [alive2('a\0b'), /contains a NUL/],
    [unhex('0001 78'), /wanted 2 more bytes/],
    [text('z'), /name is empty/],
  ]
  for (const [bytes, reason] of hostile) {
    t.equal((await ask(bytes)).length, 0)
    t.match(warnings.at(-1), reason)
  }
  t.same(await client.names(), [])
  await server.close()
})

test('every request survives a network that delivers single bytes', async (t) => {
  const { server, client } = await startHarness({}, { chunkBytes: 1 })
  const registration = await client.register({ name: 'n1', port: 7, extra: new Uint8Array(1020) })
  t.match(await client.lookup('n1'), { name: 'n1', port: 7, extra: { length: 1020 } })
  t.same(await client.names(), [{ name: 'n1', port: 7 }])
  registration.close()
  await server.close()
})

test('a requester whose address is unknown, because it is gone already, is not taken for local', async (t) => {
  const written: string[] = []
  const transport: Transport = {
    remote: ':0',
    localAddress: '',
    remoteAddress: '',
    bufferedBytes: 0,
    progress: 0,
    handler: undefined,
    write: (bytes) => written.push(Buffer.from(bytes).toString('latin1')) > 0,
    pause() {},
    resume() {},
    end() {},
    destroy() {},
  }
  const network: Network = {
    connect: () => Promise.reject(new Error('nobody connects')),
    listen: async (at, accept) => {
      accepts.push(accept)
      return { ...at, close: async () => {} }
    },
  }
  const accepts: ((transport: Transport) => void)[] = []
  let killed = false
  const onKill = (): void => {
    killed = true
  }
  const server = await EpmdServer.listen({ network, relaxed: true, onKill })
  accepts[0]!(transport)
  transport.handler!.onData(Buffer.from('00016b', 'hex'))
  await new Promise((resolve) => setImmediate(resolve))
  t.same(written, [])
  t.equal(killed, false)
  await server.close()
})

/** The client against an epmd that is missing, mute, broken or gone: each has its own code. */
import { test } from 'tap'
import { OptionError } from '../../src/core/index.ts'
import { EpmdClient, type EpmdClientOptions } from '../../src/epmd/index.ts'
import { MemoryNetwork, type Transport } from '../../src/net/index.ts'
import { FakeClock } from '../../src/testing/index.ts'
import { eventually } from './harness.ts'

const unhex = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex')
const ALIVE_OK = unhex('76 00 00000007')

interface FakeEpmd {
  readonly clock: FakeClock
  readonly network: MemoryNetwork
  readonly client: EpmdClient
  readonly requests: string[]
  readonly transports: Transport[]
}

/** A client and something at epmd's port that does `react` when a request came. */
async function startFake(
  react: (transport: Transport) => void,
  options: Partial<EpmdClientOptions> = {},
): Promise<FakeEpmd> {
  const clock = new FakeClock()
  const network = new MemoryNetwork({ clock })
  const host = network.host('local')
  const requests: string[] = []
  const transports: Transport[] = []
  await host.listen({ host: '', port: 4369 }, (transport) => {
    transports.push(transport)
    transport.handler = {
      onData(bytes) {
        requests.push(Buffer.from(bytes).toString('hex'))
        react(transport)
      },
      onDrain() {},
      onClose() {},
    }
  })
  return {
    clock,
    network,
    requests,
    transports,
    client: new EpmdClient({ network: host, clock, ...options }),
  }
}

/** Each request of the client. */
const REQUESTS: readonly [name: string, ask: (client: EpmdClient) => Promise<unknown>][] = [
  ['register', (client) => client.register({ name: 'n1', port: 1 })],
  ['lookup', (client) => client.lookup('n1')],
  ['names', (client) => client.names()],
]

for (const [name, ask] of REQUESTS) {
  test(`${name}: no epmd is unreachable, and the message says how to get one`, async (t) => {
    const clock = new FakeClock()
    const client = new EpmdClient({ network: new MemoryNetwork({ clock }).host('local'), clock })
    await t.rejects(ask(client), {
      name: 'EpmdError',
      code: 'ERR_EPMD_UNREACHABLE',
      message: /epmd at 127\.0\.0\.1:4369 cannot be reached.*epmd -daemon.*ERL_EPMD_PORT/,
      cause: { code: 'ERR_NET_REFUSED' },
    })
    t.equal(clock.pending, 0)
  })

  test(`${name}: an epmd that never answers times out`, async (t) => {
    const { client, clock, requests, transports } = await startFake(() => {})
    const message = /did not answer within 5000 ms/
    const rejected = t.rejects(ask(client), { code: 'ERR_EPMD_TIMEOUT', message })
    await clock.elapse(4999)
    t.equal(requests.length, 1)
    t.equal(clock.pending, 1)
    await clock.elapse(1)
    await rejected
    await eventually(() => transports[0]?.write(Uint8Array.of(0)) === false)
  })

  test(`${name}: an epmd behind a cut link times out too`, async (t) => {
    const { client, clock, network } = await startFake(() => {}, { timeout: 100 })
    network.cut('local', 'local')
    const rejected = t.rejects(ask(client), { code: 'ERR_EPMD_TIMEOUT', message: /within 100 ms/ })
    await clock.elapse(100)
    await rejected
  })

  test(`${name}: an epmd that closes without a word is told apart`, async (t) => {
    const { client, clock } = await startFake((transport) => transport.end())
    await t.rejects(ask(client), { code: 'ERR_EPMD_CLOSED', message: /after 0 bytes/ })
    t.equal(clock.pending, 0)
  })

  test(`${name}: an epmd whose connection breaks is told apart, with the cause`, async (t) => {
    const { client, network } = await startFake(() => network.reset('local', 'local'))
    await t.rejects(ask(client), { code: 'ERR_EPMD_CLOSED', cause: { code: 'ERR_NET_RESET' } })
  })

  test(`${name}: something else at epmd's port is a bad response`, async (t) => {
    const { client, clock } = await startFake((transport) => {
      transport.write(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'))
      transport.end()
    })
    await t.rejects(ask(client), {
      code: 'ERR_EPMD_BAD_RESPONSE',
      message: /does not speak epmd's protocol/,
    })
    t.equal(clock.pending, 0)
  })

  test(`${name}: an endless answer is cut off at the limit`, async (t) => {
    const { client } = await startFake(
      (transport) => {
        transport.write(unhex('77 00 0fa0 4d 00 0006 0006 ffff'))
        for (let i = 0; i < 32; i++) transport.write(Buffer.alloc(1024, 'x'))
      },
      { maxResponseBytes: 16 * 1024 },
    )
    await t.rejects(ask(client), { code: 'ERR_EPMD_BAD_RESPONSE' })
  })

  test(`${name}: a signal gives up, before and while it waits`, async (t) => {
    const { client, transports, clock } = await startFake(() => {})
    const reason = new Error('enough')
    const controller = new AbortController()
    const { signal } = controller
    const requests: Record<string, () => Promise<unknown>> = {
      register: () => client.register({ name: 'n1', port: 1, signal }),
      lookup: () => client.lookup('n1', { signal }),
      names: () => client.names(undefined, { signal }),
    }
    const asked = requests[name]!
    const during = asked()
    await eventually(() => transports.length === 1)
    controller.abort(reason)
    await t.rejects(during, { code: 'ERR_EPMD_ABORTED', cause: reason })
    await t.rejects(asked(), { code: 'ERR_EPMD_ABORTED', cause: reason })
    t.equal(clock.pending, 0)
  })
}

test('an answer may come byte by byte', async (t) => {
  const { client } = await startFake((transport) => {
    for (const byte of ALIVE_OK) transport.write(Uint8Array.of(byte))
  })
  t.equal((await client.register({ name: 'n1', port: 1 })).creation, 7)
})

test('an answer that stops in the middle is an early close', async (t) => {
  const { client } = await startFake((transport) => {
    transport.write(unhex('77 00 0fa0 4d'))
    transport.end()
  })
  await t.rejects(client.lookup('n1'), { code: 'ERR_EPMD_CLOSED', message: /after 5 bytes/ })
})

test('a list that stops in the middle of a line is a bad response', async (t) => {
  const { client } = await startFake((transport) => {
    transport.write(Buffer.concat([unhex('00001111'), Buffer.from('name n1 at po')]))
    transport.end()
  })
  await t.rejects(client.names(), { code: 'ERR_EPMD_BAD_RESPONSE', message: /middle of a line/ })
})

test('a list whose connection breaks is not taken for a shorter list', async (t) => {
  const { client, network } = await startFake((transport) => {
    transport.write(Buffer.concat([unhex('00001111'), Buffer.from('name n1 at port 1\n')]))
    setImmediate(() => setImmediate(() => network.reset('local', 'local')))
  })
  await t.rejects(client.names(), { code: 'ERR_EPMD_CLOSED', message: /after 22 bytes/ })
})

test('an epmd older than OTP 23 registers too', async (t) => {
  const { client } = await startFake((transport) => transport.write(unhex('79 00 0003')))
  t.equal((await client.register({ name: 'n1', port: 1 })).creation, 3)
})

test('a refusal is a taken name, and the connection is not kept', async (t) => {
  const { client, transports } = await startFake((transport) => transport.write(unhex('76 01 00000063')))
  await t.rejects(client.register({ name: 'n1', port: 1 }), {
    code: 'ERR_EPMD_NAME_TAKEN',
    message: /stop that node first \(`epmd -names` lists them\)/,
  })
  await eventually(() => transports[0]?.write(Uint8Array.of(0)) === false)
})

test('a lost registration is told once, also to who asks late', async (t) => {
  const { client, transports } = await startFake((transport) => transport.write(ALIVE_OK))
  const early = await client.register({ name: 'n1', port: 1 })
  const late = await client.register({ name: 'n2', port: 1 })
  const told: string[] = []
  early.onLost = () => told.push('early')
  for (const transport of transports) transport.destroy()
  await eventually(() => !early.isOpen && !late.isOpen)
  late.onLost = () => told.push('late')
  await eventually(() => told.length === 2)
  early.onLost = () => told.push('early again')
  early.close()
  await new Promise((resolve) => setImmediate(resolve))
  t.same(told, ['early', 'late', 'early again'])
})

test('a registration that was closed is not reported as lost', async (t) => {
  const { client, transports } = await startFake((transport) => transport.write(ALIVE_OK))
  const registration = await client.register({ name: 'n1', port: 1 })
  registration.onLost = () => t.fail('it was closed, not lost')
  registration.close()
  await eventually(() => transports[0]?.write(Uint8Array.of(0)) === false)
  t.equal(registration.isOpen, false)
})

test('what epmd says after it registered a node is ignored', async (t) => {
  const { client, transports } = await startFake((transport) => transport.write(ALIVE_OK))
  const registration = await client.register({ name: 'n1', port: 1 })
  transports[0]!.write(unhex('ff ff'))
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(registration.isOpen, true)
})

test('names and ports that no epmd takes are refused before anything is sent', async (t) => {
  const { client, requests } = await startFake(() => {})
  for (const name of ['', 'a\0b', 'n'.repeat(256), '\ud800']) {
    await t.rejects(client.register({ name, port: 1 }), OptionError)
    await t.rejects(client.lookup(name), OptionError)
  }
  for (const port of [-1, 65_536, 1.5, Number.NaN]) {
    await t.rejects(client.register({ name: 'n1', port }), {
      code: 'ERR_INVALID_OPTION',
      message: /0 to 65535/,
    })
  }
  const tooLong = client.register({ name: 'n1', port: 1, extra: new Uint8Array(1021) })
  await t.rejects(tooLong, { code: 'ERR_INVALID_OPTION', message: /1021, at most 1020/ })
  t.same(requests, [])
})

test('after every failure the same client works', async (t) => {
  let broken = true
  const { client } = await startFake((transport) => {
    transport.write(broken ? unhex('00') : ALIVE_OK)
  })
  await t.rejects(client.register({ name: 'n1', port: 1 }), { code: 'ERR_EPMD_BAD_RESPONSE' })
  broken = false
  t.equal((await client.register({ name: 'n1', port: 1 })).creation, 7)
})

/** What every network does; run on TCP and on the one in memory. */
import { test } from 'tap'
import { type Listener, NetError, type Network } from '../../src/net/index.ts'
import { Recorder, recordFirst } from './recorder.ts'

export interface NetworkUnderTest {
  /** Where the tests listen. */
  readonly server: Network
  /** Where they connect from. */
  readonly client: Network
  /** The server, as the client names it. */
  readonly host: string
  /** Nobody has this address. */
  readonly foreignAddress: string
  /** Nobody has this name. */
  readonly unknownHost: string
}

interface Pair {
  readonly client: Recorder
  readonly server: Recorder
  readonly listener: Listener
}

async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1')

async function connected({ server, client, host }: NetworkUnderTest): Promise<Pair> {
  const { listener, accepted } = await recordFirst(server, { host, port: 0 })
  const near = new Recorder(await client.connect({ host, port: listener.port }))
  return { client: near, server: await accepted, listener }
}

async function closeAll({ client, server, listener }: Pair): Promise<void> {
  client.transport.destroy()
  server.transport.destroy()
  await Promise.all([client.closed(), server.closed(), listener.close()])
}

export function networkSuite(name: string, setUp: () => NetworkUnderTest): void {
  test(`${name}: bytes arrive in order in both directions`, async (t) => {
    const pair = await connected(setUp())
    for (const part of ['one ', 'two ', 'three']) pair.client.transport.write(bytes(part))
    pair.server.transport.write(bytes('answer'))
    t.equal((await pair.server.received(13)).toString(), 'one two three')
    t.equal((await pair.client.received(6)).toString(), 'answer')
    await closeAll(pair)
  })

  test(`${name}: a handler may keep what it was given, and one that borrows sees the same bytes in time`, async (t) => {
    const pair = await connected(setUp())
    const { client, server } = pair
    const borrowed: string[] = []
    const recorder = server.transport.handler!
    for (const borrows of [false, true]) {
      const take = (kept: Uint8Array): void => {
        borrowed.push(Buffer.from(kept).toString())
        recorder.onData(kept)
      }
      server.transport.handler = {
        onData: take,
        ...(borrows && { onLent: (memory, length) => take(Uint8Array.from(memory.subarray(0, length))) }),
        onDrain: () => {},
        onClose: (error) => recorder.onClose(error),
      }
      for (const part of ['first', 'other']) {
        const before = server.text.length
        client.transport.write(bytes(part))
        await server.received(before + part.length)
      }
    }
    t.equal(server.text, 'firstotherfirstother')
    t.equal(borrowed.join(''), server.text)
    await closeAll(pair)
  })

  test(`${name}: each end knows its own and the other's address`, async (t) => {
    const pair = await connected(setUp())
    const { client, server, listener } = pair
    t.equal(client.transport.remoteAddress, server.transport.localAddress)
    t.equal(server.transport.remoteAddress, client.transport.localAddress)
    t.equal(client.transport.remote, `${client.transport.remoteAddress}:${listener.port}`)
    t.match(server.transport.remote, /^[^:]+:\d+$/)
    await closeAll(pair)
  })

  test(`${name}: end sends what is queued and closes both ends in order, once`, async (t) => {
    const pair = await connected(setUp())
    const { client, server } = pair
    client.transport.write(bytes('last words'))
    client.transport.end()
    client.transport.end()
    t.equal(await server.closed(), undefined)
    t.equal(await client.closed(), undefined)
    t.equal(server.text, 'last words')
    client.transport.destroy()
    server.transport.end()
    await closeAll(pair)
    t.equal(client.closes.length, 1)
    t.equal(server.closes.length, 1)
  })

  test(`${name}: destroy closes both ends`, async (t) => {
    const pair = await connected(setUp())
    pair.server.transport.destroy()
    t.equal(await pair.server.closed(), undefined)
    t.equal(await pair.client.closed(), undefined)
    await closeAll(pair)
  })

  test(`${name}: what was written before a destroy arrives`, async (t) => {
    const pair = await connected(setUp())
    pair.client.transport.write(bytes('last words'))
    pair.client.transport.destroy()
    t.equal(await pair.server.closed(), undefined)
    t.equal(pair.server.text, 'last words')
    await closeAll(pair)
  })

  test(`${name}: a write after the close is refused and harms nobody`, async (t) => {
    const pair = await connected(setUp())
    pair.client.transport.destroy()
    t.equal(pair.client.transport.write(bytes('late')), false)
    await pair.client.closed()
    t.equal(pair.client.transport.write(bytes('later')), false)
    t.equal(pair.client.transport.bufferedBytes, 0)
    await pair.server.closed()
    t.equal(pair.server.text, '')
    await closeAll(pair)
  })

  test(`${name}: a write after end is refused, and what was written before arrives`, async (t) => {
    const pair = await connected(setUp())
    pair.client.transport.write(bytes('before'))
    pair.client.transport.end()
    t.equal(pair.client.transport.write(bytes('after')), false)
    t.equal(await pair.client.closed(), undefined)
    t.equal(await pair.server.closed(), undefined)
    t.equal(pair.server.text, 'before')
    await closeAll(pair)
  })

  test(`${name}: a transport may be paused and resumed before it has a handler`, async (t) => {
    const { server, client, host } = setUp()
    const listener = await server.listen({ host, port: 0 }, (transport) => {
      new Recorder(transport)
      transport.write(bytes('wait'))
    })
    for (const resumeEarly of [false, true]) {
      const transport = await client.connect({ host, port: listener.port })
      transport.pause()
      if (resumeEarly) transport.resume()
      const recorder = new Recorder(transport)
      await turns()
      if (!resumeEarly) t.equal(recorder.text, '')
      transport.resume()
      t.equal((await recorder.received(4)).toString(), 'wait')
      transport.destroy()
      await recorder.closed()
    }
    await listener.close()
  })

  test(`${name}: nothing is called from inside a call`, async (t) => {
    const pair = await connected(setUp())
    const { client, server } = pair
    let inside = false
    const outside = (): void => {
      t.equal(inside, false)
    }
    for (const { transport } of [client, server]) {
      const recorder = transport.handler!
      transport.handler = {
        onData: (data) => {
          outside()
          recorder.onData(data)
        },
        onDrain: () => {
          outside()
          recorder.onDrain()
        },
        onClose: (error) => {
          outside()
          recorder.onClose(error)
        },
      }
    }
    const call = (act: () => void): void => {
      inside = true
      act()
      inside = false
    }
    call(() => server.transport.pause())
    call(() => client.transport.write(bytes('x')))
    call(() => server.transport.resume())
    await server.received(1)
    call(() => client.transport.end())
    await server.closed()
    call(() => server.transport.destroy())
    await closeAll(pair)
  })

  test(`${name}: a paused end receives nothing, a resumed one everything`, async (t) => {
    const pair = await connected(setUp())
    const { client, server } = pair
    server.transport.pause()
    client.transport.write(bytes('waiting'))
    server.transport.write(bytes('proof that turns pass'))
    await client.received(21)
    t.equal(server.text, '')
    server.transport.resume()
    t.equal((await server.received(7)).toString(), 'waiting')
    await closeAll(pair)
  })

  test(`${name}: a peer that does not read fills the buffer, and onDrain tells when it is empty`, async (t) => {
    const pair = await connected(setUp())
    const { client, server } = pair
    server.transport.pause()
    const chunk = new Uint8Array(256 * 1024).fill(7)
    let sent = 0
    while (client.transport.bufferedBytes < 1024 * 1024) {
      client.transport.write(chunk)
      sent += chunk.length
      await new Promise((resolve) => setImmediate(resolve))
    }
    t.equal(client.transport.write(chunk), false)
    sent += chunk.length
    const { drains } = client
    await turns()
    t.equal(client.drains, drains, 'a full buffer does not drain by itself')
    server.transport.resume()
    await client.until(() => client.drains > drains)
    t.equal(client.transport.bufferedBytes, 0)
    let received = 0
    await server.until(() => {
      received = server.chunks.reduce((sum, part) => sum + part.length, 0)
      return received >= sent
    })
    t.equal(received, sent)
    await closeAll(pair)
  })

  test(`${name}: what arrived before the handler was set follows, and so does the end`, async (t) => {
    const { server, client, host } = setUp()
    const listener = await server.listen({ host, port: 0 }, (transport) => {
      new Recorder(transport)
      transport.write(bytes('early'))
      transport.end()
    })
    const transport = await client.connect({ host, port: listener.port })
    await turns()
    const recorder = new Recorder(transport)
    t.equal(await recorder.closed(), undefined)
    t.equal(recorder.text, 'early')
    t.equal(recorder.closes.length, 1)
    await listener.close()
  })

  test(`${name}: a handler set after the close is told of it, once`, async (t) => {
    const { server, client, host } = setUp()
    const listener = await server.listen({ host, port: 0 }, (transport) => new Recorder(transport))
    const transport = await client.connect({ host, port: listener.port })
    transport.destroy()
    await turns()
    const recorder = new Recorder(transport)
    t.equal(await recorder.closed(), undefined)
    await turns()
    t.equal(recorder.closes.length, 1)
    await listener.close()
  })

  test(`${name}: a server that closes at once still lets the connect succeed`, async (t) => {
    const { server, client, host } = setUp()
    const listener = await server.listen({ host, port: 0 }, (transport) => transport.destroy())
    const recorder = new Recorder(await client.connect({ host, port: listener.port }))
    t.equal(await recorder.closed(), undefined)
    await listener.close()
  })

  test(`${name}: bytes written to a peer that is gone end the connection`, async (t) => {
    const pair = await connected(setUp())
    const { client, server } = pair
    server.transport.write(bytes('never read'))
    client.transport.pause()
    client.transport.destroy()
    server.transport.write(bytes('never read either'))
    await server.closed()
    t.equal(server.closes.length, 1)
    await closeAll(pair)
  })

  test(`${name}: connect is refused where nobody listens`, async (t) => {
    const { server, client, host } = setUp()
    const listener = await server.listen({ host, port: 0 }, () => t.fail('nobody connects'))
    await listener.close()
    await t.rejects(client.connect({ host, port: listener.port }), {
      name: 'NetError',
      code: 'ERR_NET_REFUSED',
      operation: 'connect',
      host,
      port: listener.port,
    })
  })

  test(`${name}: an unknown host is unreachable`, async (t) => {
    const { client, unknownHost } = setUp()
    const failed = client.connect({ host: unknownHost, port: 4369 })
    await t.rejects(failed, { code: 'ERR_NET_UNREACHABLE', host: unknownHost })
  })

  test(`${name}: an aborted signal gives up the connect, before and while it runs`, async (t) => {
    const { server, client, host } = setUp()
    const listener = await server.listen({ host, port: 0 }, (transport) => new Recorder(transport))
    const target = { host, port: listener.port }
    const reason = new Error('changed my mind')
    const before = client.connect({ ...target, signal: AbortSignal.abort(reason) })
    await t.rejects(before, { code: 'ERR_NET_ABORTED', cause: reason })
    const controller = new AbortController()
    const during = client.connect({ ...target, signal: controller.signal })
    controller.abort(reason)
    await t.rejects(during, { code: 'ERR_NET_ABORTED', cause: reason })
    const after = new AbortController()
    const recorder = new Recorder(await client.connect({ ...target, signal: after.signal }))
    after.abort()
    recorder.transport.write(bytes('still here'))
    await turns()
    t.equal(recorder.closes.length, 0, 'an abort after the connect changes nothing')
    recorder.transport.destroy()
    await recorder.closed()
    await listener.close()
  })

  test(`${name}: port 0 is a free port, a taken one is refused, a closed one is free again`, async (t) => {
    const { server, host } = setUp()
    const first = await server.listen({ host, port: 0 }, () => {})
    const second = await server.listen({ host, port: 0 }, () => {})
    t.ok(first.port > 0)
    t.not(first.port, second.port)
    const taken = server.listen({ host, port: first.port }, () => {})
    await t.rejects(taken, { code: 'ERR_NET_ADDRESS_IN_USE', operation: 'listen', port: first.port })
    await first.close()
    const again = await server.listen({ host, port: first.port }, () => {})
    t.equal(again.port, first.port)
    await Promise.all([again.close(), second.close()])
  })

  test(`${name}: an address of somebody else cannot be listened on`, async (t) => {
    const { server, foreignAddress } = setUp()
    const failed = server.listen({ host: foreignAddress, port: 0 }, () => {})
    await t.rejects(failed, { code: 'ERR_NET_ADDRESS_UNAVAILABLE', host: foreignAddress })
  })

  test(`${name}: a listener on every interface is reached by loopback too`, async (t) => {
    const { server } = setUp()
    const listener = await server.listen({ host: '', port: 0 }, (transport) => new Recorder(transport))
    for (const host of ['127.0.0.1', 'localhost']) {
      const recorder = new Recorder(await server.connect({ host, port: listener.port }))
      t.match(recorder.transport.localAddress, /^(127\.0\.0\.1|::1)$/)
      recorder.transport.destroy()
      await recorder.closed()
    }
    await listener.close()
  })

  test(`${name}: closing a listener, twice, leaves accepted connections alone`, async (t) => {
    const pair = await connected(setUp())
    await Promise.all([pair.listener.close(), pair.listener.close()])
    pair.client.transport.write(bytes('alive'))
    t.equal((await pair.server.received(5)).toString(), 'alive')
    await closeAll(pair)
  })

  test(`${name}: a failed connect leaves the network usable`, async (t) => {
    const under = setUp()
    const { client, host } = under
    await t.rejects(client.connect({ host, port: 1 }), NetError)
    await closeAll(await connected(under))
  })
}

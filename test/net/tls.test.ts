/** TLS over real sockets: the shared behaviour of networks, and what only TLS has. */
import { connect, createServer } from 'node:net'
import { inspect } from 'node:util'
import { type Test, test } from 'tap'
import { Authority, whyNoCertificates } from '../../interop/support/certificates.ts'
import type { Logger } from '../../src/core/index.ts'
import { TlsNetwork, type TlsOptions } from '../../src/net/index.ts'
import { networkSuite } from './network-suite.ts'
import { Recorder, recordFirst } from './recorder.ts'

const skip = whyNoCertificates()

const keep = { undo: [] as (() => unknown)[], teardown: (undo: () => unknown) => void keep.undo.push(undo) }
process.once('exit', () => {
  for (const undo of keep.undo) undo()
})

if (skip === false) {
  const authority = new Authority(keep)
  const network = new TlsNetwork({ tls: { ca: authority.ca, ...authority.issue() } })
  networkSuite('TLS', () => ({
    server: network,
    client: network,
    host: '127.0.0.1',
    foreignAddress: '192.0.2.1',
    unknownHost: 'no-such-host.invalid',
  }))
}

interface Warnings {
  readonly logger: Logger
  readonly codes: (string | undefined)[]
  next(): Promise<string | undefined>
}

function warnings(): Warnings {
  const codes: (string | undefined)[] = []
  let tell = (): void => {}
  const nothing = (): void => {}
  const warn = (fields: object): void => {
    codes.push((fields as { code?: string }).code)
    tell()
  }
  return {
    logger: { debug: nothing, info: nothing, warn, error: warn },
    codes,
    async next() {
      const told = new Promise<void>((resolve) => {
        tell = resolve
      })
      if (codes.length === 0) await told
      return codes.shift()
    },
  }
}

async function listening(t: Test, tls: TlsOptions, more: object = {}) {
  const { logger, next } = warnings()
  const server = new TlsNetwork({ tls, logger, ...more })
  const { listener, accepted } = await recordFirst(server, { host: '127.0.0.1', port: 0 })
  t.teardown(() => listener.close())
  void accepted.then(({ transport }) => t.teardown(() => transport.destroy()))
  return { at: { host: '127.0.0.1', port: listener.port }, accepted, next }
}

test('a certificate must name the host that was meant, not the address that was found', {
  skip,
}, async (t) => {
  const authority = new Authority(t)
  const { ca } = authority
  const { at } = await listening(t, { ca, ...authority.issue({ hosts: ['n1.example'] }) })
  const client = new TlsNetwork({ tls: { ca, ...authority.issue() } })
  const transport = await client.connect({ ...at, serverName: 'n1.example' })
  transport.destroy()
  await t.rejects(client.connect({ ...at, serverName: 'n2.example' }), {
    code: 'ERR_NET_TLS_HOST',
    operation: 'secure',
    port: at.port,
  })
  await t.rejects(client.connect(at), { code: 'ERR_NET_TLS_HOST' })
  const lax = new TlsNetwork({ tls: { ca, ...authority.issue(), client: { checkHost: false } } })
  const other = await lax.connect({ ...at, serverName: 'n2.example' })
  other.destroy()
})

test('each version alone works, and two that share none are a typed error on both sides', {
  skip,
}, async (t) => {
  const authority = new Authority(t)
  const tls = { ca: authority.ca, ...authority.issue() }
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const { at, accepted, next } = await listening(t, { ...tls, minVersion: version, maxVersion: version })
    const other = version === 'TLSv1.2' ? 'TLSv1.3' : 'TLSv1.2'
    const stranger = new TlsNetwork({ tls: { ...tls, minVersion: other, maxVersion: other } })
    await t.rejects(stranger.connect(at), { code: /^ERR_NET_TLS_(REFUSED|FAILED)$/ })
    t.equal(await next(), 'ERR_NET_TLS_FAILED')
    const client = new Recorder(await new TlsNetwork({ tls }).connect(at))
    client.transport.write(Buffer.from('hi'))
    t.equal((await (await accepted).received(2)).toString(), 'hi', version)
    client.transport.destroy()
  }
})

test('where a certificate is welcome but not demanded, none is fine and a wrong one is not', {
  skip,
}, async (t) => {
  const authority = new Authority(t)
  const { ca } = authority
  const { at, accepted, next } = await listening(t, {
    ca,
    ...authority.issue(),
    server: { failIfNoPeerCert: false },
  })
  const stranger = new Authority(t, 'somebody else')
  const wrong = new TlsNetwork({ tls: { ca, server: authority.issue(), client: stranger.issue() } })
  const refused = new Recorder(await wrong.connect(at))
  await refused.closed()
  t.equal(await next(), 'ERR_NET_TLS_UNTRUSTED')
  const none = await new TlsNetwork({ tls: { ca, server: authority.issue() } }).connect(at)
  t.ok(await accepted)
  none.destroy()
})

test('a peer that says nothing, or no TLS, loses its connection and gives its place back', {
  skip,
}, async (t) => {
  const authority = new Authority(t)
  const tls = { ca: authority.ca, ...authority.issue() }
  const { at, accepted, next } = await listening(t, tls, { handshakeTimeout: 200, maxHandshakes: 3 })
  const open = () =>
    connect(at.port, at.host)
      .on('error', () => {})
      .resume()
  const silent = [open(), open(), open()]
  await Promise.all(silent.map((socket) => new Promise((resolve) => socket.once('connect', resolve))))
  const crowded = open()
  await new Promise((resolve) => crowded.once('close', resolve))
  t.equal(await next(), undefined, 'the fourth is closed at once, and only a line without a code says so')
  await Promise.all(silent.map((socket) => new Promise((resolve) => socket.once('close', resolve))))
  for (let i = 0; i < 3; i++) t.equal(await next(), 'ERR_NET_TIMEOUT')
  for (const text of ['GET / HTTP/1.0\r\n\r\n', '\x16\x03\x01\xff\xff', '\x00\x00\x00\x05abcde']) {
    const socket = open()
    socket.write(text, 'latin1')
    await new Promise((resolve) => socket.once('close', resolve))
    t.match(await next(), /^ERR_NET_(TLS_FAILED|TIMEOUT)$/, JSON.stringify(text))
  }
  const client = await new TlsNetwork({ tls }).connect(at)
  t.ok(await accepted, 'every place is free again')
  client.destroy()
})

test('a server that speaks no TLS, or closes in the middle, is a typed error', { skip }, async (t) => {
  const authority = new Authority(t)
  const network = new TlsNetwork({ tls: { ca: authority.ca, ...authority.issue() } })
  for (const answer of ['hello, this is no TLS at all', '']) {
    const server = createServer((socket) => socket.on('error', () => {}).end(answer))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    await t.rejects(network.connect({ host: '127.0.0.1', port }), { code: 'ERR_NET_TLS_FAILED' })
    server.close()
  }
})

test('options that do not fit are named, and no key is ever shown', { skip }, async (t) => {
  const authority = new Authority(t)
  const { ca } = authority
  const [one, two] = [authority.issue(), authority.issue()]
  const wrong: [TlsOptions, RegExp][] = [
    [{ ca }, /listen\.tls needs cert and key/],
    [{ ...one }, /listen\.tls needs ca/],
    [{ ca, cert: one.cert, key: two.key }, /listen\.tls cannot be used to be dialed: .*values mismatch/],
    [{ ca, ...one, client: { cert: 'no PEM', key: one.key } }, /listen\.tls cannot be used to dial/],
  ]
  for (const [tls, message] of wrong) {
    try {
      new TlsNetwork({ tls })
      t.fail('must throw')
    } catch (error) {
      t.match(error, { code: 'ERR_INVALID_OPTION', message })
      t.notMatch(inspect(error, { depth: 10 }), /PRIVATE KEY/)
    }
  }
  t.notMatch(inspect(new TlsNetwork({ tls: { ca, ...one } }), { depth: 10, showHidden: true }), /PRIVATE KEY/)
})

/** Distribution over TLS with real nodes, `-proto_dist inet_tls`: both directions, both versions, and who is refused. */
import { networkInterfaces } from 'node:os'
import { type Test, test } from 'tap'
import {
  atom,
  type BeamNode,
  type Logger,
  NetError,
  type NodeOptions,
  silentLogger,
  type TlsOptions,
} from '../src/index.ts'
import { findBeam, freePort, type Peer, startEpmd, waitFor } from './peer.ts'
import { Authority, type Certificate, filesFor, whyNoCertificates } from './support/certificates.ts'
import { beamjoin, startCliNode } from './support/cli-node.ts'
import { COOKIE, EX, part, startExPeer, startTsNode, TS } from './support/cluster.ts'

const skip = whyNoCertificates()
const hasIpv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === '::1'),
)
const noIpv6 = hasIpv6 ? false : 'this machine has no IPv6 loopback'

interface BeamTls {
  readonly certificate: Certificate
  readonly ca: string
  /** `{verify, verify_peer}` in the role; default both. */
  readonly verify?: { readonly server?: boolean; readonly client?: boolean }
  /** Default: what the release offers. */
  readonly version?: 'tlsv1.2' | 'tlsv1.3'
  /** The client section has no certificate. */
  readonly clientWithoutCertificate?: boolean
}

/** The emulator's arguments, and the files they name. */
function tlsArguments(
  t: Test,
  { certificate, ca, verify, version, clientWithoutCertificate }: BeamTls,
): string[] {
  const folder = filesFor(t, findBeam(), {
    'cert.pem': certificate.cert,
    'key.pem': certificate.key,
    'ca.pem': ca,
  })
  const versions = version === undefined ? '' : `,{versions,['${version}']}`
  const own = `{certfile,"${folder}/cert.pem"},{keyfile,"${folder}/key.pem"},`
  const section = (role: 'server' | 'client', more: string): string => {
    const trust = (verify?.[role] ?? true) ? `{verify,verify_peer}${more}` : '{verify,verify_none}'
    const identity = role === 'client' && clientWithoutCertificate ? '' : own
    return `{${role},[${identity}{cacertfile,"${folder}/ca.pem"},${trust}${versions}]}`
  }
  const optfile = `[${section('server', ',{fail_if_no_peer_cert,true}')},${section('client', '')}].\n`
  const at = filesFor(t, findBeam(), { 'ssl_dist.conf': optfile })
  return ['-proto_dist', 'inet_tls', '-ssl_dist_optfile', `${at}/ssl_dist.conf`]
}

interface Pair {
  readonly node: BeamNode
  readonly peer: Peer
  readonly warnings: string[]
}

/** A node of ours and a peer that can find each other, not connected. */
async function startPair(
  t: Test,
  tls: TlsOptions,
  beam: BeamTls,
  options: Partial<NodeOptions> = {},
): Promise<Pair> {
  const warnings: string[] = []
  const warn = (fields: object): void => void warnings.push(String((fields as { code?: string }).code))
  const logger: Logger = { ...silentLogger, warn }
  const epmdPort = await freePort()
  const node = await startTsNode(t, { epmdPort, logger, listen: { tls }, ...options })
  const peer = await startExPeer(t, { epmdPort, elixir: false, args: tlsArguments(t, beam) })
  return { node, peer, warnings }
}

/** Calls in both directions, and a message that needs many TLS records. */
async function talk(t: Test, { node, peer }: Pair): Promise<void> {
  node.rpc.expose('ts', { size: (text) => (text as string).length })
  t.equal(await node.rpc.call(EX, 'erlang', 'node', []), atom(EX))
  t.equal(await node.rpc.call(EX, 'erlang', 'byte_size', ['x'.repeat(300_000)]), 300_000)
  t.equal(await peer.eval(`rpc:call('${TS}', ts, size, [binary:copy(<<"y">>, 300000)]).`), '300000')
  t.same(node.nodes(), [atom(EX)])
}

test('nodes join over TLS in both directions, each with a certificate', { skip }, async (t) => {
  const authority = new Authority(t)
  const { ca } = authority
  for (const version of ['tlsv1.2', 'tlsv1.3'] as const) {
    const certificate = authority.issue()
    const pair = await startPair(t, { ca, ...authority.issue() }, { ca, certificate, version })
    const { node, peer } = pair
    await node.connect(EX)
    await talk(t, pair)
    await part(node, peer)
    t.equal(await peer.eval(`net_kernel:connect_node('${TS}').`), 'true', version)
    await talk(t, pair)
    await node.stop()
    await peer.kill()
  }
})

test('a node takes peers without a certificate when it says so, and need not show one', {
  skip,
}, async (t) => {
  const authority = new Authority(t)
  const { ca } = authority
  const beam: BeamTls = {
    ca,
    certificate: authority.issue(),
    verify: { server: false },
    clientWithoutCertificate: true,
  }
  const { cert, key } = authority.issue()
  const pair = await startPair(t, { ca, server: { cert, key, verify: false } }, beam)
  await pair.node.connect(EX)
  await talk(t, pair)
  pair.node.disconnect(EX)
  await waitFor(async () => (await pair.peer.eval(`net_kernel:connect_node('${TS}').`)) === 'true', {
    what: 'the peer to dial',
  })
  await talk(t, pair)
})

test('without verification any certificate will do, on both sides', { skip }, async (t) => {
  const [ours, theirs] = [new Authority(t), new Authority(t)]
  const beam = { ca: theirs.ca, certificate: theirs.issue({ hosts: ['elsewhere.example'] }) }
  const verify = { client: false, server: false }
  const pair = await startPair(
    t,
    { ...ours.issue({ hosts: ['nowhere.example'] }), verify: false },
    { ...beam, verify },
  )
  await pair.node.connect(EX)
  await talk(t, pair)
})

test('a peer whose certificate is not good enough is not connected to, and the node lives on', {
  skip,
}, async (t) => {
  const authority = new Authority(t)
  const { ca } = authority
  const stranger = new Authority(t)
  const good = { ca, certificate: authority.issue() }
  const verify = { client: false, server: false }
  const cases = [
    ['ERR_NET_TLS_UNTRUSTED', { ...good, certificate: stranger.issue() }],
    ['ERR_NET_TLS_EXPIRED', { ...good, certificate: authority.issue({ expired: true }) }],
    ['ERR_NET_TLS_HOST', { ...good, certificate: authority.issue({ hosts: ['elsewhere.example'] }) }],
  ] as const
  const epmdPort = await freePort()
  const warnings: unknown[] = []
  const warn = (fields: object): void => void warnings.push((fields as { code?: string }).code)
  const logger: Logger = { ...silentLogger, warn }
  const node = await startTsNode(t, { epmdPort, logger, listen: { tls: { ca, ...authority.issue() } } })
  for (const [code, beam] of cases) {
    const args = tlsArguments(t, { ...beam, verify })
    const peer = await startExPeer(t, { epmdPort, elixir: false, args })
    const failure = await node.connect(EX).catch((error: unknown) => error)
    t.ok(failure instanceof NetError, `${code}: a NetError`)
    t.equal((failure as NetError).code, code)
    if (code !== 'ERR_NET_TLS_HOST') {
      // Whose host a client is from is not looked at, as on the BEAM.
      t.equal(await peer.eval(`net_kernel:connect_node('${TS}').`), 'false')
      t.equal(warnings.at(-1), code)
    }
    await peer.kill()
  }
  const peer = await startExPeer(t, { epmdPort, elixir: false, args: tlsArguments(t, good) })
  t.equal(await peer.eval(`net_kernel:connect_node('${TS}').`), 'true', 'a good one is welcome afterwards')
})

test('a peer that refuses our certificate, or misses one, is a typed error', { skip }, async (t) => {
  const authority = new Authority(t)
  const { ca } = authority
  const stranger = new Authority(t)
  const tls: TlsOptions = { ca, ...authority.issue() }
  for (const version of ['tlsv1.2', 'tlsv1.3'] as const) {
    const beam: BeamTls = { ca: stranger.ca, certificate: authority.issue(), version }
    const { node, peer } = await startPair(t, tls, beam)
    const failure = await node.connect(EX).catch((error: unknown) => error)
    t.match(failure, { code: 'ERR_NET_TLS_REFUSED', message: /'unknown ca'/ }, version)
    await node.stop()
    await peer.kill()
  }
  const demanding = await startPair(
    t,
    { ca, server: authority.issue() },
    { ca, certificate: authority.issue() },
  )
  const refused = await demanding.node.connect(EX).catch((error: unknown) => error)
  t.match(refused, { code: 'ERR_NET_TLS_REFUSED' }, 'it demands a certificate of us')
  await demanding.node.stop()
  await demanding.peer.kill()

  const beam: BeamTls = { ca, certificate: authority.issue(), clientWithoutCertificate: true }
  const { node, peer, warnings } = await startPair(t, tls, beam)
  t.equal(await peer.eval(`net_kernel:connect_node('${TS}').`), 'false')
  t.equal(warnings.at(-1), 'ERR_NET_TLS_NO_CERTIFICATE')
  await node.connect(EX)
  t.same(node.nodes(), [atom(EX)])
})

test('inet6_tls: TLS between IPv6 addresses', { skip: skip || noIpv6 }, async (t) => {
  const authority = new Authority(t)
  const { ca } = authority
  const epmdPort = await freePort()
  const node = await startTsNode(t, {
    name: 'ts@::1',
    epmdPort,
    listen: { tls: { ca, ...authority.issue() } },
  })
  const [, , ...optfile] = tlsArguments(t, { ca, certificate: authority.issue() })
  const peer = await startExPeer(t, {
    name: 'ex@::1',
    epmdPort,
    elixir: false,
    listenOn: '{0,0,0,0,0,0,0,1}',
    args: ['-proto_dist', 'inet6_tls', ...optfile],
  })
  await node.connect('ex@::1')
  t.equal(await node.ping('ex@::1'), 'pong')
  await part(node, peer, 'ex@::1')
  t.equal(await peer.eval(`net_kernel:connect_node('ts@::1').`), 'true')
})

test('cookies are verified over TLS too', { skip }, async (t) => {
  const authority = new Authority(t)
  const { ca } = authority
  const beam = { ca, certificate: authority.issue() }
  const { node, peer, warnings } = await startPair(t, { ca, ...authority.issue() }, beam, { cookie: 'other' })
  await t.rejects(node.connect(EX), { code: 'ERR_HANDSHAKE_CLOSED' })
  t.equal(await peer.eval(`net_kernel:connect_node('${TS}').`), 'false')
  t.equal(warnings.at(-1), 'ERR_HANDSHAKE_BAD_COOKIE')
})

test('a node with TLS and one without do not connect, and say so', { skip }, async (t) => {
  const authority = new Authority(t)
  const tls = { ca: authority.ca, ...authority.issue() }
  const epmdPort = await freePort()
  const node = await startTsNode(t, { epmdPort, listen: { tls }, netSetuptime: 2000 })
  const peer = await startExPeer(t, { epmdPort, elixir: false })
  await t.rejects(node.connect(EX), { code: 'ERR_NODE_UNREACHABLE', message: /TLS/ })
  t.equal(await peer.eval(`net_kernel:connect_node('${TS}').`), 'false')

  await node.stop()
  await peer.kill()
  const plainPort = await freePort()
  const plain = await startTsNode(t, { epmdPort: plainPort })
  const args = tlsArguments(t, { ca: authority.ca, certificate: authority.issue() })
  const secured = await startExPeer(t, { epmdPort: plainPort, elixir: false, args })
  await t.rejects(plain.connect(EX), { code: /^ERR_HANDSHAKE_(CLOSED|BAD_MESSAGE)$/, message: /TLS/ })
  t.equal(await secured.eval(`net_kernel:connect_node('${TS}').`), 'false')
})

test('the command line speaks TLS by its --tls flags', { skip }, async (t) => {
  const authority = new Authority(t)
  const { ca } = authority
  const epmd = await startEpmd()
  t.teardown(() => epmd.kill())
  const args = tlsArguments(t, { ca, certificate: authority.issue() })
  const peer = await startExPeer(t, { epmdPort: epmd.port, elixir: false, args })
  const { cert, key } = authority.issue()
  const files = filesFor(
    t,
    { ...findBeam(), root: undefined },
    { 'cert.pem': cert, 'key.pem': key, 'ca.pem': ca },
  )
  const tls = ['cert', 'key', 'ca'].flatMap((name) => [`--tls-${name}`, `${files}/${name}.pem`])
  const ask = (...more: string[]) => beamjoin(epmd.port, ...more, '--cookie', COOKIE)
  t.same(await ask('ping', EX, ...tls), { code: 0, out: 'pong\n', err: '' })
  await startCliNode(t, { epmdPort: epmd.port, args: ['--connect', EX, ...tls] })
  await waitFor(async () => (await peer.eval('nodes().')) === `['${TS}']`, { what: 'our node to join' })
})

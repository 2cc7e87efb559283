/**
 * 64 processes on each side send messages of 10 B to 8 MiB, mixed, to eight on the other, in both directions at once:
 * nothing is lost, reordered or corrupted; also while one side does not read.
 *
 * `BEAMJOIN_STRESS=500 TAP_TIMEOUT=0` makes each process send 500 messages; 12 otherwise. `BEAMJOIN_STRESS_SEED` repeats a
 * run.
 */
import { createHash, randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type Test, test } from 'tap'
import { type BeamNode, type Encodable, type Pid, type Term, type Tuple, tuple } from '../src/index.ts'
import { findBeam, type Peer, waitFor } from './peer.ts'
import { randomNumbers } from './support/arbitrary-terms.ts'
import { Authority, filesFor, whyNoCertificates } from './support/certificates.ts'
import { type ClusterOptions, connectedCluster, EX, TS } from './support/cluster.ts'

const SENDERS = 64
const RECEIVERS = 8
const SMALLEST = 10
const LARGEST = 8 * 1024 * 1024
/** The larger, the more of the messages are small. */
const SKEW = 3
const OFFSETS = 1024
const MESSAGES = Number(process.env['BEAMJOIN_STRESS'] ?? 12)
const SEED = Number(process.env['BEAMJOIN_STRESS_SEED'] ?? randomInt(2 ** 31))
const TIMEOUT = 60_000 + MESSAGES * 4000
const COMPANION = readFileSync(new URL('companion/stress.exs', import.meta.url), 'utf8')

function randomBytes(random: () => number, length: number): Buffer {
  const words = new Uint32Array(length / 4)
  for (let i = 0; i < words.length; i++) words[i] = random() * 2 ** 32
  return Buffer.from(words.buffer)
}

interface Sinks {
  readonly pids: readonly Pid[]
  /** How many messages arrived. */
  count(): number
  /** Which were out of order or had other contents than those sent. */
  readonly wrong: string[]
}

/** Processes of ours that check what arrives. */
async function startSinks(node: BeamNode, blob: Buffer): Promise<Sinks> {
  const wrong: string[] = []
  let count = 0
  const pids = Array.from({ length: RECEIVERS }, (_, at) =>
    node.spawn(async (self) => {
      self.register(`sink_${at}`)
      const numbers = new Map<number, number>()
      for (;;) {
        const message = (await self.receive()) as Tuple<[number, number, number, Uint8Array]>
        const [sender, number, offset, piece] = message
        if (number !== (numbers.get(sender) ?? 0)) wrong.push(`order: message ${number} of sender ${sender}`)
        if (blob.compare(piece, 0, piece.length, offset, offset + piece.length) !== 0) {
          wrong.push(`content: message ${number} of sender ${sender}`)
        }
        numbers.set(sender, number + 1)
        count++
      }
    }),
  )
  await waitFor(() => node.whereis(`sink_${RECEIVERS - 1}`), { what: 'the sinks' })
  return { pids, count: () => count, wrong }
}

/** Starts processes of ours that send; `sent` counts. */
function startSenders(node: BeamNode, blob: Buffer, receivers: readonly Encodable[], messages: number) {
  const progress = { sent: 0, bytes: 0 }
  for (let sender = 0; sender < SENDERS; sender++) {
    const random = randomNumbers(SEED + sender)
    node.spawn(async (self) => {
      const numbers = new Array<number>(RECEIVERS).fill(0)
      for (let i = 0; i < messages; i++) {
        const at = Math.floor(random() * RECEIVERS)
        const size = Math.floor(SMALLEST * (LARGEST / SMALLEST) ** (random() ** SKEW))
        const offset = Math.floor(random() * OFFSETS)
        // Half of them by name, half by pid; each pair by one of them.
        const to = (sender + at) % 2 === 0 ? (receivers[at] as Pid) : ([`sink_${at}`, EX] as const)
        self.send(to, tuple(sender, numbers[at]!++, offset, blob.subarray(offset, offset + size)))
        progress.sent++
        progress.bytes += size
        await self.drain()
      }
    })
  }
  return progress
}

interface Setup {
  readonly node: BeamNode
  readonly peer: Peer
  readonly blob: Buffer
  readonly sinks: Sinks
  readonly receivers: readonly Encodable[]
}

type Carrier = 'TCP' | 'TLS'

/** What both nodes need for TLS: certificates of one authority, and verification. */
function tlsOptions(t: Test): ClusterOptions {
  const authority = new Authority(t)
  const [ours, theirs] = [authority.issue(), authority.issue()]
  const files = filesFor(t, findBeam(), {
    'cert.pem': theirs.cert,
    'key.pem': theirs.key,
    'ca.pem': authority.ca,
  })
  const section = `[{certfile,"${files}/cert.pem"},{keyfile,"${files}/key.pem"},{cacertfile,"${files}/ca.pem"},{verify,verify_peer}]`
  const optfile = filesFor(t, findBeam(), { 'tls.conf': `[{server,${section}},{client,${section}}].\n` })
  return {
    node: { listen: { tls: { ca: authority.ca, ...ours } } },
    peer: { args: ['-proto_dist', 'inet_tls', '-ssl_dist_optfile', `${optfile}/tls.conf`] },
  }
}

async function setUp(t: Test, carrier: Carrier = 'TCP'): Promise<Setup> {
  t.comment(`seed ${SEED}, ${MESSAGES} messages of each of ${SENDERS} processes`)
  const { node: ofNode, peer: ofPeer } = carrier === 'TLS' ? tlsOptions(t) : {}
  const { node, peer } = await connectedCluster(t, {
    node: { codec: { binaries: 'buffer' }, ...ofNode },
    peer: { library: false, ...ofPeer },
  })
  const blob = randomBytes(randomNumbers(SEED), LARGEST + OFFSETS)
  await peer.eval(`${COMPANION}\nProcess.register(self(), :main)`)
  // The blob itself is a first message of 8 MiB.
  const answer = node.spawn(async (self) => {
    self.register('blob')
    const from = (await self.receive()) as Pid
    self.send(from, blob)
  })
  await waitFor(() => node.whereis('blob')?.equals(answer), { what: 'the blob' })
  const md5 = await peer.eval(
    `send({:blob, :"${TS}"}, self()); receive do b -> Beamjoin.Stress.keep(b) |> Base.encode16(case: :lower) end`,
    { timeout: TIMEOUT },
  )
  t.equal(md5, `"${createHash('md5').update(blob).digest('hex')}"`, 'the blob arrives')
  const sinks = await startSinks(node, blob)
  const collected = new Promise<Term>((resolve) => {
    node.spawn(async (self) => {
      self.register('collect')
      resolve(await self.receive())
    })
  })
  await waitFor(() => node.whereis('collect'), { what: 'the collector' })
  await peer.eval(`send({:collect, :"${TS}"}, Beamjoin.Stress.receivers(${RECEIVERS}, self()))`)
  return { node, peer, blob, sinks, receivers: (await collected) as Encodable[] }
}

/** The BEAM begins to send, half of it by name and half by pid; resolves when all has left. */
function beamSends(peer: Peer, messages: number): Promise<string> {
  const names = Array.from({ length: RECEIVERS }, (_, at) => `{:sink_${at}, :"${TS}"}`)
  return peer.eval(
    `Beamjoin.Stress.send_all({${names.join(', ')}}, ${SENDERS}, ${messages}, ${SEED}, ${SKEW}) |> Map.values() |> Enum.sum()`,
    { timeout: TIMEOUT, session: 'senders' },
  )
}

async function expectAll({ peer, sinks }: Setup, t: Test, from: { ours: number; theirs: number }) {
  await waitFor(() => sinks.count() >= from.theirs, { what: 'the messages of the BEAM', timeout: TIMEOUT })
  const names = Array.from({ length: RECEIVERS }, (_, at) => `:sink_${at}`).join(', ')
  await waitFor(
    async () =>
      (await peer.eval(`Beamjoin.Stress.total([${names}])`, { session: 'count', timeout: TIMEOUT })) ===
      String(from.ours),
    { what: 'our messages', timeout: TIMEOUT, interval: 50 },
  )
  t.equal(sinks.count(), from.theirs)
  t.same(sinks.wrong, [])
  t.equal(await peer.eval('receive do m -> m after 0 -> :fine end'), ':fine', 'nothing wrong there either')
}

for (const carrier of ['TCP', 'TLS'] as const) {
  const skip = carrier === 'TLS' && whyNoCertificates()

  test(`64 processes on each side at once over ${carrier}: nothing lost, reordered or corrupted, and pings in between`, {
    skip,
    timeout: TIMEOUT,
  }, async (t) => {
    const setup = await setUp(t, carrier)
    const { blob, node, peer, receivers } = setup
    const start = performance.now()
    const progress = startSenders(node, blob, receivers, MESSAGES)
    const sending = beamSends(peer, MESSAGES)
    let pings = 0
    let slowest = 0
    let isOver = false
    const pinging = (async () => {
      while (!isOver) {
        const before = performance.now()
        if ((await node.ping(EX, { timeout: TIMEOUT })) !== 'pong') throw new Error('no pong')
        slowest = Math.max(slowest, performance.now() - before)
        pings++
      }
    })()
    await sending
    await expectAll(setup, t, { ours: SENDERS * MESSAGES, theirs: SENDERS * MESSAGES })
    isOver = true
    await pinging
    const seconds = (performance.now() - start) / 1000
    const rate = (progress.bytes / 2 ** 20 / seconds).toFixed(0)
    t.comment(
      `${seconds.toFixed(1)} s, ${rate} MiB/s each way, ${pings} pings, the slowest ${slowest.toFixed(0)} ms`,
    )
    t.ok(pings > 0)
    t.same(node.nodes().map(String), [EX])
  })
}

test('a BEAM that does not read for a while holds our processes back, and loses nothing', {
  timeout: TIMEOUT,
}, async (t) => {
  const setup = await setUp(t)
  const { blob, node, peer, receivers } = setup
  await peer.freeze()
  t.teardown(() => peer.signal('SIGCONT'))
  const messages = Math.max(MESSAGES, 12)
  const progress = startSenders(node, blob, receivers, messages)
  let before = -1
  await waitFor(
    () => {
      const isStill = progress.sent === before
      before = progress.sent
      return isStill
    },
    { what: 'our processes to be held', interval: 300, timeout: TIMEOUT },
  )
  t.ok(
    progress.sent < SENDERS * messages,
    `${progress.sent} of ${SENDERS * messages} are sent while nobody reads`,
  )
  peer.signal('SIGCONT')
  await expectAll(setup, t, { ours: SENDERS * messages, theirs: 0 })
})

test('a node of ours that is slow to read loses nothing of what the BEAM sends', {
  timeout: TIMEOUT,
}, async (t) => {
  const setup = await setUp(t)
  const { peer, sinks } = setup
  // The event loop stands still most of the time.
  const block = setInterval(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100), 20)
  t.teardown(() => clearInterval(block))
  const sending = beamSends(peer, MESSAGES)
  await waitFor(() => sinks.count() > SENDERS, { what: 'the first messages', timeout: TIMEOUT })
  clearInterval(block)
  await sending
  await expectAll(setup, t, { ours: 0, theirs: SENDERS * MESSAGES })
})

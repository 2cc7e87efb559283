/**
 * What small messages cost on their way out and in: the signals of a call (monitor, request, demonitor), its reply, and
 * a cast, through a `Connection` over a transport that goes nowhere.
 *
 *     node --import=tsx bench/dist-messages.ts [--against CHECKOUT] [--rounds N]
 *
 * `--against` measures a second checkout of this repository in the same run, turn and turn about, and prints the ratio.
 */
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: { against: { type: 'string' }, rounds: { type: 'string', default: '15' } },
})
const ROUNDS = Number(values.rounds)
const MESSAGES = 40_000

type Dist = typeof import('../src/dist/index.ts')
type Etf = typeof import('../src/etf/index.ts')
type Core = typeof import('../src/core/index.ts')
type Reader = typeof import('../src/dist/frame-reader.ts')
type Capabilities = typeof import('../src/dist/capabilities.ts')

interface Workload {
  readonly name: string
  /** Nanoseconds a message of one round. */
  run(): number
  /** Bytes a message. */
  readonly bytes: number
}

/** Everything of one checkout: its modules are not shared with those of another. */
async function workloads(root: URL): Promise<Workload[]> {
  const load = async <M>(path: string): Promise<M> => (await import(new URL(path, root).href)) as M
  const dist = await load<Dist>('src/dist/index.ts')
  const etf = await load<Etf>('src/etf/index.ts')
  const core = await load<Core>('src/core/index.ts')
  const { FrameReader } = await load<Reader>('src/dist/frame-reader.ts')
  const { capabilitiesOf } = await load<Capabilities>('src/dist/capabilities.ts')
  const { atom, Pid, Reference, tuple, ImproperList } = etf

  const us = atom('ts@127.0.0.1')
  const them = atom('n1@127.0.0.1')
  const caller = new Pid(us, 7, 0, 1000)
  const server = new Pid(them, 120, 0, 1_795_000_000)
  const ref = new Reference(us, 1000, [200_000, 3, 77_777])
  const far = new Reference(them, 1_795_000_000, [200_000, 3, 77_777, 5, 6])
  const name = atom('my_server')
  const tag = new ImproperList([atom('alias')], ref)
  const farTag = new ImproperList([atom('alias')], far)
  const request = tuple(atom('$gen_call'), tuple(caller, tag), tuple(atom('add'), 5))
  const cast = tuple(atom('$gen_cast'), tuple(atom('add'), 5))
  const reply = tuple(farTag, tuple(atom('ok'), new Map([[atom('count'), 5]])))

  type Connection = InstanceType<Dist['Connection']>
  const signals: Record<string, (connection: Connection) => void> = {
    'call (3 signals)': (connection) => {
      connection.monitor(caller, name, ref)
      connection.sendName(caller, name, request)
      connection.demonitor(caller, name, ref)
    },
    reply: (connection) => connection.sendAlias(caller, far, reply),
    cast: (connection) => connection.send(caller, server, cast),
  }

  const connect = (onBytes: (bytes: Uint8Array) => void): Connection => {
    const transport = {
      remote: '',
      localAddress: '',
      remoteAddress: '',
      bufferedBytes: 0,
      progress: 0,
      handler: undefined,
      write: (bytes: Uint8Array) => {
        onBytes(bytes)
        return true
      },
      pause() {},
      resume() {},
      end() {},
      destroy() {},
    }
    const handshake = {
      peer: { name: them.name, flags: dist.OUR_FLAGS, creation: 1_795_000_000 },
      flags: dist.OUR_FLAGS,
      transport,
      leftover: new core.ChunkQueue(),
      ended: undefined,
    }
    const handler = new Proxy({}, { get: () => () => {} }) as never
    return new dist.Connection({ handshake: handshake as never, handler })
  }

  const made: Workload[] = []
  for (const [what, send] of Object.entries(signals)) {
    let bytes = 0
    const connection = connect((written) => {
      bytes += written.length
    })
    for (let i = 0; i < MESSAGES; i++) send(connection)
    connection.flush()
    const each = bytes / MESSAGES
    made.push({
      name: `out: ${what}`,
      bytes: each,
      run: () => {
        const start = process.hrtime.bigint()
        for (let i = 0; i < MESSAGES; i++) send(connection)
        connection.flush()
        return Number(process.hrtime.bigint() - start) / MESSAGES
      },
    })
  }

  const nothing = new Proxy({}, { get: () => () => {} }) as Record<string, () => void>
  const handler = Object.fromEntries(
    // A plain object: a proxy would be most of what is measured.
    'send sendName sendAlias link unlink unlinkAck exit exit2 exitAlias monitor demonitor monitorExit groupLeader spawnRequest spawnReply'
      .split(' ')
      .map((method) => [method, nothing['any']!]),
  ) as never
  const framesOf = (written: Uint8Array): Uint8Array[] => {
    const found: Uint8Array[] = []
    const view = new DataView(written.buffer, written.byteOffset, written.length)
    for (let at = 0; at < written.length; ) {
      const length = view.getUint32(at)
      found.push(written.subarray(at + 4, at + 4 + length))
      at += 4 + length
    }
    return found
  }
  const reading = (
    what: string,
    first: readonly Uint8Array[],
    frames: readonly Uint8Array[],
    peer: InstanceType<Etf['Atom']> = us,
  ): Workload => {
    const reader = new FrameReader(peer, capabilitiesOf(dist.OUR_FLAGS), {}, dist.DEFAULT_CONNECTION_LIMITS)
    for (const frame of first) reader.readFrame(frame, handler)
    const times = Math.ceil(MESSAGES / frames.length)
    return {
      name: `in:  ${what}`,
      bytes: frames.reduce((sum, frame) => sum + frame.length + 4, 0) / frames.length,
      run: () => {
        const start = process.hrtime.bigint()
        for (let i = 0; i < times; i++) for (const frame of frames) reader.readFrame(frame, handler)
        return Number(process.hrtime.bigint() - start) / (times * frames.length)
      },
    }
  }
  for (const [what, send] of Object.entries(signals)) {
    const chunks: Uint8Array[] = []
    const connection = connect((written) => void chunks.push(Uint8Array.from(written)))
    send(connection)
    connection.flush()
    const first = chunks.splice(0).flatMap(framesOf)
    for (let i = 0; i < 100; i++) send(connection)
    connection.flush()
    made.push(reading(`${what.replace(' (3 signals)', '')}, of ours`, first, chunks.flatMap(framesOf)))
  }
  const captured = readFileSync(new URL('test/vectors/dist/dist_frame_vectors.jsonl', root), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { conn: string; raw: string; incomplete_fragment?: boolean })
    .filter(({ conn }) => conn === '27')
    .map(({ raw }) => Uint8Array.from(Buffer.from(raw, 'hex')))
  const small = captured.filter((frame) => frame[1] === 68 && frame.length < 300)
  // What is new is so once only; afterwards the frames refer to what is there.
  made.push(reading('captured of OTP 27', captured, small, atom('n27@localhost')))
  return made
}

function median(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[times.length >> 1]!
}

const here = await workloads(new URL('../', import.meta.url))
const there = values.against && (await workloads(pathToFileURL(`${values.against}/`)))
const label = (name: string): string => name.padEnd(26)
console.log(`Node ${process.version}, ${ROUNDS} rounds of ${MESSAGES} messages, median`)
for (const [i, workload] of here.entries()) {
  const other = there ? there[i]! : undefined
  const mine: number[] = []
  const theirs: number[] = []
  for (let round = 0; round < ROUNDS + 3; round++) {
    const a = workload.run()
    const b = other?.run() ?? 0
    if (round < 3) continue
    mine.push(a)
    theirs.push(b)
  }
  const now = median(mine)
  const line = `${label(workload.name)} ${now.toFixed(0).padStart(6)} ns ${workload.bytes.toFixed(0).padStart(5)} B`
  if (other === undefined) console.log(line)
  else {
    const before = median(theirs)
    console.log(
      `${line}   before ${before.toFixed(0).padStart(6)} ns ${other.bytes.toFixed(0).padStart(5)} B   ${(now / before).toFixed(2)}x`,
    )
  }
}
process.exit(0)

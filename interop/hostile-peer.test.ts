/**
 * Peers of raw bytes that break every rule, strangers and members alike. Each loses its connection, with a typed error;
 * the node does not notice, and neither does the BEAM that is connected and calls all the while.
 */
import { type AddressInfo, createServer } from 'node:net'
import { type Test, test } from 'tap'
import {
  type Atom,
  atom,
  type BeamNode,
  type Encodable,
  encode,
  type NodeOptions,
  Pid,
  Reference,
  type Resolver,
  silentLogger,
  tuple,
} from '../src/index.ts'
import { freePort, waitFor } from './peer.ts'
import { randomNumbers, seed } from './support/arbitrary-terms.ts'
import { COOKIE, EX, startExPeer, startTsNode, TS } from './support/cluster.ts'
import { framed, HANDSHAKE, RawPeer } from './support/raw-peer.ts'

/** For strangers, who are given no time to waste; members get the usual 7 s. */
const SETUP_MS = 3000
const FRAME_BYTES = 1024 * 1024

interface Battle {
  readonly node: BeamNode
  /** Codes of what was logged about a peer, or about all. */
  codes(peer?: string): string[]
  dial(): RawPeer
  /** A peer that has shaken hands. */
  member(): Promise<{ name: string; peer: RawPeer }>
  /** Ends the test: the BEAM has noticed nothing. */
  survived(): Promise<void>
}

/** A node, and a BEAM that calls it every few milliseconds and counts what goes wrong. */
async function startBattle(t: Test, options: Partial<NodeOptions> = {}): Promise<Battle> {
  const log: { peer?: string; code?: string }[] = []
  const keep = (fields: object): void => void log.push(fields)
  const logger = { ...silentLogger, debug: keep, info: keep, warn: keep, error: keep }
  const epmdPort = await freePort()
  const node = await startTsNode(t, {
    epmdPort,
    logger,
    limits: { frameBytes: FRAME_BYTES, handshakes: 400 },
    ...options,
  })
  node.rpc.expose('ts', { echo: (term) => term })
  const beam = await startExPeer(t, { epmdPort, elixir: false })
  await beam.eval(`
    true = net_kernel:connect_node('${TS}'), true = erlang:monitor_node('${TS}', true),
    Caller = spawn(fun() -> register(caller, self()), (fun Loop(Good) ->
      receive {stop, From} -> From ! {good, Good} after 5 ->
        {echo, Good} = rpc:call('${TS}', ts, echo, [{echo, Good}], 20000), Loop(Good + 1) end end)(0) end),
    Watch = erlang:monitor(process, Caller), ok.`)
  const downs: string[] = []
  node.on('nodedown', (name) => void (name === atom(EX) && downs.push(name.name)))
  let members = 0
  const peers: RawPeer[] = []
  t.teardown(() => {
    for (const peer of peers) peer.destroy()
  })
  const dial = (): RawPeer => {
    const peer = new RawPeer(node.port)
    peers.push(peer)
    return peer
  }
  return {
    node,
    dial,
    codes: (peer) =>
      log.filter((line) => peer === undefined || line.peer === peer).flatMap(({ code }) => code ?? []),
    async member() {
      const name = `m${++members}@127.0.0.1`
      const peer = dial()
      await peer.join(name, COOKIE)
      return { name, peer }
    },
    async survived() {
      for (const peer of peers) peer.destroy()
      await waitFor(() => node.nodes('all').length === 1, {
        what: 'the hostile peers to be gone',
        timeout: 20_000,
      })
      t.same(downs, [], 'we did not lose the BEAM')
      t.equal(await beam.eval(`receive {nodedown, N} -> N after 0 -> none end.`), 'none', 'nor it us')
      const good = await beam.eval(
        'caller ! {stop, self()}, receive {good, G} -> G; {_, _, _, _, R} -> R end.',
        {
          timeout: 30_000,
        },
      )
      t.ok(Number(good) > 0, `its ${good} calls were answered`)
    },
  }
}

const MESSAGES: Readonly<Record<string, Buffer>> = {
  name: HANDSHAKE.name('stranger@127.0.0.1'),
  'old name': HANDSHAKE.oldName('stranger@127.0.0.1'),
  'status true': HANDSHAKE.status('true'),
  'status ok': HANDSHAKE.status('ok'),
  complement: HANDSHAKE.complement(),
  reply: HANDSHAKE.reply('guess', 1),
  ack: HANDSHAKE.ack('guess'),
}

function numbered(message: Buffer, number: number): Buffer {
  const text = message.toString('latin1').replace('stranger@', `s${String(number).padStart(7, '0')}@`)
  return Buffer.from(text, 'latin1')
}

test('strangers: every handshake message truncated, oversized, repeated and out of order', async (t) => {
  const battle = await startBattle(t, { netSetuptime: SETUP_MS })
  let strangers = 0
  /** Each attack has a name of its own, so that none stands in the way of another. */
  const attack = (...messages: Buffer[]): RawPeer => {
    const peer = battle.dial()
    strangers++
    for (const message of messages) peer.say(numbered(message, strangers))
    return peer
  }
  const name = MESSAGES['name']!
  const attacks: RawPeer[] = []
  for (const message of Object.values(MESSAGES)) {
    for (let length = 0; length < message.length; length += 3)
      attacks.push(attack(message.subarray(0, length)))
    for (let length = 0; length < message.length; length += 3)
      attacks.push(attack(name, message.subarray(0, length)))
    attacks.push(attack(message, message), attack(name, message, message), attack(message, name))
    attacks.push(attack(Buffer.concat([message, Buffer.alloc(4000)])))
    attacks.push(attack(Buffer.concat([message, Buffer.alloc(10_000)])))
    attacks.push(attack(name, Buffer.concat([message, Buffer.alloc(60_000)])))
  }
  for (const one of Object.values(MESSAGES)) {
    for (const other of Object.values(MESSAGES)) attacks.push(attack(one, other), attack(name, one, other))
  }
  await Promise.all(attacks.map((peer) => peer.closed))
  t.ok(strangers > 200, `${strangers} strangers were turned away`)
  const codes = new Set(battle.codes().filter((code) => code !== 'ERR_DIST_CLOSED'))
  t.same(
    [...codes].filter((code) => !code.startsWith('ERR_HANDSHAKE_')),
    [],
    'each for a reason of the handshake',
  )
  for (const code of ['BAD_MESSAGE', 'UNEXPECTED_MESSAGE', 'BAD_COOKIE', 'TIMEOUT']) {
    t.ok(codes.has(`ERR_HANDSHAKE_${code}`), code)
  }
  await battle.survived()
})

test('strangers: names and flags that no node has', async (t) => {
  const battle = await startBattle(t, { netSetuptime: SETUP_MS })
  const refused: [Buffer, string][] = [
    [HANDSHAKE.name('no-host'), 'ERR_HANDSHAKE_BAD_NAME'],
    [HANDSHAKE.name('@127.0.0.1'), 'ERR_HANDSHAKE_BAD_NAME'],
    [HANDSHAKE.name('two@at@host'), 'ERR_HANDSHAKE_BAD_NAME'],
    [HANDSHAKE.name('new\nline@host'), 'ERR_HANDSHAKE_BAD_NAME'],
    [HANDSHAKE.name(`${'x'.repeat(300)}@host`), 'ERR_HANDSHAKE_BAD_NAME'],
    [HANDSHAKE.name('weak@127.0.0.1', 0n), 'ERR_HANDSHAKE_MISSING_FLAGS'],
    [HANDSHAKE.name('digest@127.0.0.1', 1n << 36n), 'ERR_HANDSHAKE_MISSING_FLAGS'],
    [HANDSHAKE.name(TS), 'ERR_HANDSHAKE_NOT_ALLOWED'],
  ]
  for (const [message, code] of refused) {
    const peer = battle.dial()
    peer.say(message)
    await peer.closed
    await waitFor(() => battle.codes().at(-1) === code, { what: `${code}, after ${battle.codes().at(-1)}` })
    t.pass(code)
  }
  // One that claims to be the BEAM must first prove the cookie, and can do no harm without it.
  const impostor = battle.dial()
  impostor.say(HANDSHAKE.name(EX))
  t.equal((await impostor.next())?.toString('latin1'), 'salive')
  impostor.say(HANDSHAKE.status('true'))
  impostor.say(HANDSHAKE.reply('guess', 1))
  await impostor.closed
  await battle.survived()
})

test('strangers: floods, silence, trickles and noise', async (t) => {
  t.comment(`seed ${seed}`)
  const random = randomNumbers(seed)
  const battle = await startBattle(t, { netSetuptime: SETUP_MS })
  const flood = Array.from({ length: 1000 }, () => battle.dial())
  for (const [i, peer] of flood.entries()) {
    if (i % 4 === 1) peer.write(Buffer.from([0xff, 0xff]))
    if (i % 4 === 2) peer.write(Buffer.from(Array.from({ length: 64 }, () => Math.floor(random() * 256))))
    if (i % 4 === 3) peer.end()
  }
  // A byte at a time wins no time.
  const trickle = battle.dial()
  const message = Buffer.concat([HANDSHAKE.name('slow@127.0.0.1'), Buffer.alloc(4000 - 29)])
  const bytes = Buffer.concat([Buffer.from([message.length >> 8, message.length & 255]), message])
  let sent = 0
  const timer = setInterval(() => trickle.write(bytes.subarray(sent, ++sent)), SETUP_MS / 15)
  void trickle.closed.then(() => clearInterval(timer))
  await Promise.all(flood.map((peer) => peer.closed))
  await trickle.closed
  t.ok(sent < bytes.length, 'the trickle was cut off')
  const { peer } = await battle.member()
  t.notOk(peer.isClosed, 'there is room again')
  await battle.survived()
})

test('listeners: whatever a dialed peer answers, connecting fails with a typed error', async (t) => {
  t.comment(`seed ${seed}`)
  const random = randomNumbers(seed)
  const below = (limit: number): number => Math.floor(random() * limit)
  // The name says on which port it listens.
  const resolver: Resolver = { resolve: async ({ alive, host }) => ({ host, port: Number(alive.slice(1)) }) }
  const { node, survived } = await startBattle(t, { resolver, netSetuptime: SETUP_MS })
  const dial = async (answer: (name: string) => Buffer): Promise<string | undefined> => {
    const server = createServer((socket) => {
      socket.on('error', () => {}).resume()
      const { port } = server.address() as AddressInfo
      socket.end(answer(`p${port}@127.0.0.1`))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    try {
      await node.connect(`p${port}@127.0.0.1`)
      return undefined
    } catch (error) {
      return (error as { code?: string }).code
    } finally {
      server.close()
    }
  }
  const right = (name: string): Buffer => {
    const messages = [HANDSHAKE.status('ok'), HANDSHAKE.challenge(name, 1)]
    return Buffer.concat(messages.map((message) => framed(message, 2)))
  }
  const { length } = right('p12345@127.0.0.1')
  const cuts = Array.from({ length }, (_, cut) => dial((name) => right(name).subarray(0, cut)))
  t.same(new Set(await Promise.all(cuts)), new Set(['ERR_HANDSHAKE_CLOSED']), 'cut at every byte')

  const wrongProof = (name: string) => Buffer.concat([right(name), framed(HANDSHAKE.ack('guess'), 2)])
  t.equal(await dial(wrongProof), 'ERR_HANDSHAKE_BAD_COOKIE')
  t.equal(await dial(() => Buffer.from([0xff, 0xff, 1])), 'ERR_HANDSHAKE_BAD_MESSAGE')
  t.equal(await dial(() => right('other@127.0.0.1')), 'ERR_HANDSHAKE_NAME_MISMATCH')

  const damaged = Array.from({ length: 100 }, () => {
    return dial((name) => {
      const bytes = wrongProof(name)
      for (let hits = 1 + below(4); hits > 0; hits--) bytes[below(bytes.length)] = below(256)
      return bytes
    })
  })
  const noise = Array.from({ length: 50 }, () => {
    return dial(() => Buffer.from(Array.from({ length: below(200) }, () => below(256))))
  })
  const codes = new Set(await Promise.all([...damaged, ...noise]))
  t.same(
    [...codes].filter((code) => !code?.startsWith('ERR_HANDSHAKE_') && code !== 'ERR_NODE_UNREACHABLE'),
    [],
    'every one failed, for a reason of the handshake',
  )
  await survived()
})

/** What a member may send, by name: control message and payload. */
function signals(self: Atom, node: BeamNode): Readonly<Record<string, readonly Encodable[]>> {
  const from = new Pid(self, 5, 0, 7)
  const to = node.self
  const ref = new Reference(self, 7, [1, 2, 3])
  const ours = new Reference(node.name, to.creation, [1, 2, 3])
  const rex = atom('rex')
  const payload = tuple(atom('hello'), 'world', [1, 2.5, new Map([[1, atom('a')]])])
  const mfa = tuple(atom('erlang'), atom('node'), 0)
  const token = tuple(1, 2, 3)
  return {
    LINK: [tuple(1, from, to)],
    SEND: [tuple(2, '', to), payload],
    EXIT: [tuple(3, from, to, atom('bye'))],
    UNLINK: [tuple(4, from, to)],
    REG_SEND: [tuple(6, from, '', rex), payload],
    GROUP_LEADER: [tuple(7, from, to)],
    EXIT2: [tuple(8, from, new Pid(node.name, 99_999, 0, to.creation), atom('bye'))],
    SEND_TT: [tuple(12, '', to, token), payload],
    EXIT_TT: [tuple(13, from, to, token, atom('bye'))],
    REG_SEND_TT: [tuple(16, from, '', rex, token), payload],
    MONITOR_P: [tuple(19, from, rex, ref)],
    DEMONITOR_P: [tuple(20, from, rex, ref)],
    MONITOR_P_EXIT: [tuple(21, from, to, ours, atom('bye'))],
    SEND_SENDER: [tuple(22, from, to), payload],
    SEND_SENDER_TT: [tuple(23, from, to, token), payload],
    PAYLOAD_EXIT: [tuple(24, from, to), payload],
    PAYLOAD_EXIT2: [tuple(26, from, new Pid(node.name, 99_999, 0, to.creation)), payload],
    PAYLOAD_MONITOR_P_EXIT: [tuple(28, from, to, ours), payload],
    SPAWN_REQUEST: [tuple(29, ref, from, from, mfa, []), []],
    SPAWN_REPLY: [tuple(31, ours, to, 0, from)],
    ALIAS_SEND: [tuple(33, from, ours), payload],
    UNLINK_ID: [tuple(35, 9, from, to)],
    UNLINK_ID_ACK: [tuple(36, 9, from, to)],
    ALTACT_SIG_SEND: [tuple(37, 0, from, to), payload],
  }
}

function body(parts: readonly Encodable[]): Buffer {
  return Buffer.concat(parts.map((part) => encode(part).subarray(1)))
}

const HEADER = Buffer.from([131, 68, 0])

test('members: every control message truncated, with too much behind it, and of the wrong shape', async (t) => {
  const battle = await startBattle(t)
  const kinds = Object.keys(signals(atom('x@127.0.0.1'), battle.node))
  const closedBy = async (kind: string, spoil: (frame: Buffer) => Buffer): Promise<string | undefined> => {
    const { name, peer } = await battle.member()
    peer.frame(spoil(Buffer.concat([HEADER, body(signals(atom(name), battle.node)[kind]!)])))
    await peer.closed
    await waitFor(() => battle.codes(name).length > 0, { what: `a log line about ${name}` })
    return battle.codes(name).at(-1)
  }
  const wrong = new Set<string>()
  const expect = async (kind: string, how: string, spoil: (frame: Buffer) => Buffer): Promise<void> => {
    const code = await closedBy(kind, spoil)
    if (!/^ERR_DIST_(BAD_(FRAME|TERM|CONTROL|ATOM_REF|FRAGMENT)|UNKNOWN_OP)$/.test(code ?? '')) {
      wrong.add(`${kind} ${how}: ${code}`)
    }
  }
  for (const kind of kinds) {
    const { length } = Buffer.concat([HEADER, body(signals(atom('m1000@127.0.0.1'), battle.node)[kind]!)])
    const cuts = [1, 2, 4, Math.floor(length / 2), length - 8, length - 1]
    await Promise.all([
      ...cuts.map((cut) =>
        expect(kind, `cut at ${cut}`, (frame) => frame.subarray(0, Math.min(cut, frame.length - 1))),
      ),
      expect(kind, 'with bytes behind it', (frame) => Buffer.concat([frame, Buffer.from([97, 1])])),
      expect(kind, 'with another arity', (frame) =>
        Buffer.concat([HEADER, Buffer.from([104, 200]), frame.subarray(5)]),
      ),
      expect(kind, 'with another operation', (frame) => {
        return Buffer.concat([HEADER, frame.subarray(3, 6), Buffer.from([250]), frame.subarray(7)])
      }),
    ])
  }
  t.same([...wrong], [])
  await battle.survived()
})

test('members: frames and fragments that lie', async (t) => {
  const battle = await startBattle(t)
  const first = (sequence: bigint, fragment: bigint, rest: Buffer): Buffer =>
    fragmentOf(69, sequence, fragment, rest)
  const next = (sequence: bigint, fragment: bigint, rest: Buffer): Buffer =>
    fragmentOf(70, sequence, fragment, rest)
  const start = (name: string): Buffer =>
    Buffer.concat([Buffer.from([0]), body(signals(atom(name), battle.node)['SEND']!)])
  const cases: [string, (name: string) => Buffer[], RegExp][] = [
    ['an empty header', () => [Buffer.from([131])], /BAD_FRAME/],
    ['no distribution frame', () => [Buffer.from([1, 2, 3])], /BAD_FRAME/],
    ['an unknown kind of frame', () => [Buffer.from([131, 71, 0])], /BAD_FRAME/],
    ['a bare term', () => [Buffer.from([112, 131, 104, 0])], /BAD_FRAME/],
    [
      'atoms that were never sent',
      () => [Buffer.from([131, 68, 2, 0, 5, 6, 104, 1, 82, 0])],
      /BAD_ATOM_REF|BAD_FRAME/,
    ],
    ['more atoms than there are', () => [Buffer.from([131, 68, 255, 1, 2, 3])], /BAD_FRAME|BAD_ATOM_REF/],
    ['a fragment of nothing', () => [next(9n, 1n, Buffer.from('x'))], /BAD_FRAGMENT/],
    [
      'a first fragment twice',
      (name) => [first(9n, 3n, start(name)), first(9n, 3n, start(name))],
      /BAD_FRAGMENT/,
    ],
    [
      'fragments that skip',
      (name) => [first(9n, 5n, start(name)), next(9n, 3n, Buffer.from('x'))],
      /BAD_FRAGMENT/,
    ],
    [
      'fragments that count up',
      (name) => [first(9n, 2n, start(name)), next(9n, 3n, Buffer.from('x'))],
      /BAD_FRAGMENT/,
    ],
    ['fragment number 0', (name) => [first(9n, 0n, start(name))], /BAD_FRAGMENT/],
    ['fragments of garbage', (name) => [first(9n, 2n, start(name)), next(9n, 1n, Buffer.from('zz'))], /BAD_/],
  ]
  for (const [what, frames, code] of cases) {
    const { name, peer } = await battle.member()
    for (const frame of frames(name)) peer.frame(frame)
    await peer.closed
    await waitFor(() => battle.codes(name).length > 0, { what: `a log line about ${what}` })
    t.match(battle.codes(name).at(-1), code, what)
  }
  for (const length of [FRAME_BYTES + 1, 0x7fff_ffff, 0xffff_ffff]) {
    const { name, peer } = await battle.member()
    const announced = Buffer.alloc(4)
    announced.writeUInt32BE(length)
    peer.write(announced)
    await peer.closed
    await waitFor(() => battle.codes(name).length > 0, { what: 'a log line about the length' })
    t.equal(battle.codes(name).at(-1), 'ERR_DIST_FRAME_LIMIT', `${length} bytes`)
  }
  const before = process.memoryUsage().rss
  const greedy = await Promise.all(Array.from({ length: 200 }, () => battle.member()))
  const announced = Buffer.alloc(4)
  announced.writeUInt32BE(FRAME_BYTES)
  const { input } = battle.node.traffic()
  for (const { peer } of greedy) peer.write(announced)
  await waitFor(() => battle.node.traffic().input >= input + greedy.length * announced.length, {
    what: 'all of it to be read',
  })
  const grown = process.memoryUsage().rss - before
  t.ok(grown < (200 * FRAME_BYTES) / 2, 'what is announced and not sent costs no memory')
  await battle.survived()
})

test('members: signals about what is not there are taken in, as a BEAM does', async (t) => {
  const battle = await startBattle(t)
  const { name, peer } = await battle.member()
  const harmless = signals(atom(name), battle.node)
  for (let round = 0; round < 3; round++) {
    for (const [kind, parts] of Object.entries(harmless)) {
      if (kind !== 'GROUP_LEADER') peer.frame(Buffer.concat([HEADER, body(parts)]))
    }
    peer.frame(Buffer.alloc(0))
  }
  // A monitor is answered, so everything before it was handled.
  const ref = new Reference(atom(name), 7, [9, 9, 9])
  peer.frame(Buffer.concat([HEADER, body([tuple(19, new Pid(atom(name), 5, 0, 7), atom('nobody'), ref)])]))
  const wanted = Buffer.from(encode(ref).subarray(-12))
  for (;;) {
    const frame = await peer.next(4)
    if (frame === undefined) {
      t.fail(`the connection was closed: ${battle.codes(name)}`)
      break
    }
    if (frame.includes(wanted)) break
  }
  t.notOk(peer.isClosed)
  await battle.survived()
})

test('members: random damage', async (t) => {
  t.comment(`seed ${seed}`)
  const random = randomNumbers(seed)
  const below = (limit: number): number => Math.floor(random() * limit)
  const battle = await startBattle(t)
  for (let wave = 0; wave < 12; wave++) {
    const members = await Promise.all(Array.from({ length: 8 }, () => battle.member()))
    for (const { name, peer } of members) {
      const all = Object.values(signals(atom(name), battle.node))
      for (let i = 0; i < 30; i++) {
        const frame = Buffer.concat([HEADER, body(all[below(all.length)]!)])
        for (let hits = 1 + below(3); hits > 0; hits--) frame[below(frame.length)] = below(256)
        peer.frame(frame)
      }
      peer.end()
    }
    await Promise.all(members.map(({ peer }) => peer.closed))
  }
  const codes = new Set(battle.codes())
  t.same(
    [...codes].filter(
      (code) => !/^ERR_DIST_(BAD_\w+|UNKNOWN_OP|CLOSED|TRANSPORT|FRAGMENT_LIMIT)$/.test(code),
    ),
    [],
    'each ended for a reason of its own',
  )
  await battle.survived()
})

function fragmentOf(tag: 69 | 70, sequence: bigint, fragment: bigint, rest: Buffer): Buffer {
  const head = Buffer.alloc(18)
  head.writeUInt8(131, 0)
  head.writeUInt8(tag, 1)
  head.writeBigUInt64BE(sequence, 2)
  head.writeBigUInt64BE(fragment, 10)
  return Buffer.concat([head, rest])
}

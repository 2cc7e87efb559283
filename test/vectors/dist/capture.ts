/**
 * Writes signal_vectors.jsonl: every control message that a BEAM node sends, and every one that this package sends and a
 * BEAM node understood, on each release that interop tests find. See the README of this folder.
 *
 *     node --import=tsx test/vectors/dist/capture.ts
 */
import { writeFileSync } from 'node:fs'
import { startEpmd, startPeer, whyNotOtp } from '../../../interop/peer.ts'
import { waitFor } from '../../../interop/support/wait.ts'
import { capabilitiesOf } from '../../../src/dist/capabilities.ts'
import { hasFlag } from '../../../src/dist/flags.ts'
import * as flags from '../../../src/dist/flags.ts'
import { Connection, initiate } from '../../../src/dist/index.ts'
import { EpmdClient } from '../../../src/epmd/index.ts'
import {
  atom,
  decode,
  EXACT,
  type Encodable,
  encode,
  inspect,
  Pid,
  Reference,
  type Term,
  type Tuple,
  termEquals,
  tuple,
} from '../../../src/etf/index.ts'
import { TcpNetwork, type Transport, type TransportHandler } from '../../../src/net/index.ts'
import { recorder, type Signal } from '../../dist/recorder.ts'
import { ANY, encodeSignal, expectedSignal, signalTerm } from '../../dist/signal-vectors.ts'

const COOKIE = 'capture'
const NAME = atom('cap@127.0.0.1')
const CREATION = 77
const US = new Pid(NAME, 5, 0, CREATION)
const TOKEN = tuple(1, atom('label'), 1, US, 0)
const ALIAS = new Reference(NAME, CREATION, [1, 2, 3])
const REQUEST = new Reference(NAME, CREATION, [9, 8, 7])
const WATCH = new Reference(NAME, CREATION, [4, 5, 6])

/** Flags that a node may lack, by what is left out. */
const FORMS = {
  all: 0n,
  'no atom cache': flags.DFLAG_DIST_HDR_ATOM_CACHE,
  'pass-through': flags.DFLAG_DIST_HDR_ATOM_CACHE | flags.DFLAG_FRAGMENTS,
  'old forms': flags.DFLAG_SEND_SENDER | flags.DFLAG_EXIT_PAYLOAD | flags.DFLAG_ALTACT_SIG,
  // Mandatory from OTP 26 on.
  'old links': flags.DFLAG_UNLINK_ID,
} as const

/**
 * What the BEAM does and what that puts on the wire: code in Elixir that returns the list of `{control}` or
 * `{control, payload}`. Bound are `us` (a pid of ours), `al` (an alias of ours), `ss` (SEND_SENDER), `ep` (EXIT_PAYLOAD),
 * `ui` (UNLINK_ID) and `ac` (ALTACT_SIG was negotiated). Each runs in a process of its own.
 */
const SENT_BY_BEAM: Record<string, string> = {
  send: `m = {:hello, [1, 2.5, "text", %{a: nil}]}
    send(us, m); [{(if ss, do: {22, self(), us}, else: {2, :"", us}), m}]`,
  'send, traced': `:seq_trace.set_token(:label, 17); send(us, :traced); k = token.(:seq_trace.get_token())
    [{(if ss, do: {23, self(), us, k}, else: {12, :"", us, k}), :traced}]`,
  'send to a name': `send({:printer, node}, [:page, 1]); [{ {6, self(), :"", :printer}, [:page, 1]}]`,
  'send to a name, traced': `:seq_trace.set_token(:label, {:my, "label"}); send({:printer, node}, 1)
    [{ {16, self(), :"", :printer, token.(:seq_trace.get_token())}, 1}]`,
  'send to an alias': `send(al, {al, :reply}); [{(if ac, do: {37, 4, self(), al}, else: {33, self(), al}), {al, :reply}}]`,
  'send to an alias, traced': `:seq_trace.set_token(:label, 3); send(al, 1); k = token.(:seq_trace.get_token())
    [{(if ac, do: {37, 6, self(), al, k}, else: {34, self(), al, k}), 1}]`,
  link: `Process.link(us); [{ {1, self(), us} }]`,
  'link and unlink': `Process.link(us); Process.unlink(us); 
    [{ {1, self(), us} }, {(if ui, do: {35, 1, self(), us}, else: {4, self(), us})}]`,
  'end of a linked process': `p = spawn(fn -> Process.link(us); exit({:shutdown, ["x"]}) end)
    [{ {1, p, us} }, (if ep, do: { {24, p, us}, {:shutdown, ["x"]}}, else: { {3, p, us, {:shutdown, ["x"]}} })]`,
  'end of a linked process, traced': `parent = self()
    p = spawn(fn ->
      Process.link(us); :seq_trace.set_token(:label, 4); send(parent, {:token, token.(:seq_trace.get_token())})
      exit(:bye)
    end)
    {f, l, s, _, _} = receive do {:token, k} -> k end
    k = {f, l, s + 2, p, s + 1}
    :seq_trace.set_token([])
    [{ {1, p, us} }, (if ep, do: { {25, p, us, k}, :bye}, else: { {13, p, us, k, :bye} })]`,
  'exit/2': `Process.exit(us, {:kaboom, 1})
    [if(ep, do: { {26, self(), us}, {:kaboom, 1}}, else: { {8, self(), us, {:kaboom, 1}} })]`,
  // The token of the sender stays behind: no release has an operation for it that it sends.
  'exit/2, traced': `:seq_trace.set_token(:label, 6); :seq_trace.set_token(:send, true); Process.exit(us, :kaboom)
    [if(ep, do: { {26, self(), us}, :kaboom}, else: { {8, self(), us, :kaboom} })]`,
  'monitor and demonitor': `r = Process.monitor(us); Process.demonitor(r)
    [{ {19, self(), us, r} }, { {20, self(), us, r} }]`,
  'monitor and demonitor by name': `r = Process.monitor({:printer, node}); Process.demonitor(r)
    [{ {19, self(), :printer, r} }, { {20, self(), :printer, r} }]`,
  'group leader': `:erlang.group_leader(self(), us); [{ {7, self(), us} }]`,
  'spawn request': `r = :erlang.spawn_request(node, :m, :f, [1, "a"], [:link, :monitor, {:priority, :high}])
    [{ {29, r, self(), Process.group_leader(), {:m, :f, 2}, :any}, [1, "a"]}]`,
  'spawn request, traced': `:seq_trace.set_token(:label, 5); r = :erlang.spawn_request(node, :m, :f, [], [])
    [{ {30, r, self(), Process.group_leader(), {:m, :f, 0}, :any, token.(:seq_trace.get_token())}, []}]`,
}

/** Only where ALTACT_SIG was negotiated. */
const SENT_BY_BEAM_28: Record<string, string> = {
  'priority message to a pid': `:erlang.send(us, :now, [:priority]); [{ {37, 1, self(), us}, :now}]`,
  'priority exit': `:erlang.exit(us, :now, [:priority]); [{ {37, 17, self(), us}, :now}]`,
  'priority exit, traced': `:seq_trace.set_token(:label, 7); :erlang.exit(us, :now, [:priority])
    [{ {37, 17, self(), us}, :now}]`,
  'exit of an alias, traced': `:seq_trace.set_token(:label, 8); :erlang.exit(al, :now); [{ {37, 20, self(), al}, :now}]`,
  'exit of an alias': `:erlang.exit(al, :now); [{ {37, 20, self(), al}, :now}]`,
  'priority exit of an alias': `:erlang.exit(al, :now, [:priority]); [{ {37, 21, self(), al}, :now}]`,
  'priority message to an alias': `:erlang.send(al, :now, [:priority]); [{ {37, 5, self(), al}, :now}]`,
  'priority message to a name': `:erlang.send({:printer, node}, :now, [:priority]); [{ {37, 9, self(), :printer}, :now}]`,
}

/**
 * What we send, and code that is true once the BEAM has taken it as meant. `target` is a process there that keeps its
 * messages, and traps exits; `last` is its last message.
 */
interface SentByUs {
  readonly name: string
  /** Code that runs there first, in the process that `did` runs in. */
  readonly before?: string
  readonly signal: (target: Pid, alias: Reference, other: Pid, value: Term) => Signal
  readonly did: string
  readonly needs?: bigint
}

const MESSAGE = tuple(atom('hello'), [1, 2.5, 'text'], new Map<Encodable, Encodable>([[atom('a'), null]]))
const SEEN = 'last.() == {:hello, [1, 2.5, "text"], %{a: nil}}'

const SENT_BY_US: readonly SentByUs[] = [
  { name: 'send', signal: (to) => ['send', US, to, MESSAGE], did: SEEN },
  { name: 'send to a name', signal: () => ['sendName', US, atom('target'), MESSAGE], did: SEEN },
  { name: 'send to an alias', signal: (_, alias) => ['sendAlias', US, alias, MESSAGE], did: SEEN },
  { name: 'link', signal: (to) => ['link', US, to], did: 'us in info.(:links)' },
  {
    name: 'end of a linked process',
    signal: (to) => ['exit', US, to, tuple(atom('shutdown'), ['x'])],
    did: 'last.() == {:EXIT, us, {:shutdown, ["x"]}} and us not in info.(:links)',
  },
  {
    name: 'unlink',
    needs: flags.DFLAG_UNLINK_ID,
    before: 'wait.(fn -> us not in info.(:links) end)',
    signal: (to) => ['unlink', 2n ** 63n, US, to],
    did: 'us not in info.(:links)',
  },
  {
    name: 'unlink acknowledged',
    needs: flags.DFLAG_UNLINK_ID,
    before: 'ask.(:link); ask.(:unlink)',
    signal: (to) => ['unlinkAck', 1n, US, to],
    did: 'ask.(:link) == true',
  },
  {
    name: 'exit/2',
    signal: (to) => ['exit2', US, to, tuple(atom('kaboom'), 1)],
    did: 'last.() == {:EXIT, us, {:kaboom, 1}}',
  },
  {
    name: 'exit of an alias',
    needs: flags.DFLAG_ALTACT_SIG,
    signal: (_, alias) => ['exitAlias', US, alias, atom('bye')],
    did: 'last.() == {:EXIT, us, :bye}',
  },
  {
    name: 'monitor',
    signal: (to) => ['monitor', US, to, WATCH],
    did: 'us in info.(:monitored_by)',
  },
  {
    name: 'demonitor',
    signal: (to) => ['demonitor', US, to, WATCH],
    did: 'us not in info.(:monitored_by)',
  },
  {
    name: 'monitor by name',
    signal: () => ['monitor', US, atom('target'), WATCH],
    did: 'us in info.(:monitored_by)',
  },
  {
    name: 'demonitor by name',
    signal: () => ['demonitor', US, atom('target'), WATCH],
    did: 'us not in info.(:monitored_by)',
  },
  {
    name: 'end of a monitored process',
    before: 'ask.(:monitor)',
    signal: (to, _alias, _other, ref) => ['monitorExit', US, to, ref as Reference, atom('gone')],
    did: 'match?({:DOWN, _, :process, ^us, :gone}, last.())',
  },
  {
    name: 'end of a process monitored by name',
    before: 'ask.(:monitor_name)',
    signal: (to, _alias, _other, ref) => ['monitorExit', atom('printer'), to, ref as Reference, atom('gone')],
    did: 'match?({:DOWN, _, :process, {:printer, _}, :gone}, last.())',
  },
  {
    name: 'group leader',
    signal: (to) => ['groupLeader', US, to],
    did: 'info.(:group_leader) == us',
  },
  {
    name: 'spawn request',
    signal: (_to, _alias, other) => [
      'spawnRequest',
      REQUEST,
      US,
      other,
      { module: atom('erlang'), function: atom('send'), arity: 2 },
      [atom('link'), atom('monitor')],
      [atom('target'), 'spawned'],
    ],
    did: 'last.() == "spawned"',
  },
  {
    name: 'spawn reply',
    before: 'ask.(:spawn)',
    signal: (to, _alias, _other, ref) => ['spawnReply', ref as Reference, to, 0, atom('badopt')],
    did: 'match?({:spawn_reply, _, :error, :badopt}, last.())',
  },
]

/** What the BEAM answers to a signal of ours, or to a control message and payload that we have no signal for. */
interface Answer {
  readonly name: string
  readonly signal: (target: Pid, other: Pid) => Signal | readonly [Tuple, Encodable]
  /** The control message and payload, of which `found` is what we took it for. */
  readonly control: (target: Pid, found: Signal, exitPayload: boolean) => readonly [Tuple, Encodable?]
  readonly needs?: bigint
}

const spawning = (module: string, options: Encodable[]) => (_: Pid, other: Pid): Signal => [
  'spawnRequest',
  REQUEST,
  US,
  other,
  { module: atom(module), function: atom('self'), arity: 0 },
  options,
  [],
]

const spawned = (flags: number) => (_: Pid, found: Signal): [Tuple] => {
  if (!(found[4] instanceof Pid)) throw new Error(`no pid in ${inspect(found as Term)}`)
  return [tuple(31, REQUEST, US, flags, found[4])]
}

const ANSWERED_BY_BEAM: readonly Answer[] = [
  {
    name: 'unlink acknowledged',
    needs: flags.DFLAG_UNLINK_ID,
    signal: (to) => ['unlink', 2n ** 64n - 1n, US, to],
    control: (to) => [tuple(36, 2n ** 64n - 1n, to, US)],
  },
  {
    name: 'a monitor on a name that nobody has',
    signal: () => ['monitor', US, atom('nobody'), WATCH],
    control: (_to, _found, ep) =>
      ep
        ? [tuple(28, atom('nobody'), US, WATCH), atom('noproc')]
        : [tuple(21, atom('nobody'), US, WATCH, atom('noproc'))],
  },
  {
    name: 'a link to a process that is gone',
    signal: (to) => ['link', US, new Pid(to.node, 32_000, 9, to.creation)],
    control: (to, _found, ep) => {
      const gone = new Pid(to.node, 32_000, 9, to.creation)
      return ep ? [tuple(24, gone, US), atom('noproc')] : [tuple(3, gone, US, atom('noproc'))]
    },
  },
  { name: 'spawned', signal: spawning('erlang', []), control: spawned(0) },
  { name: 'spawned and linked', signal: spawning('erlang', [atom('link')]), control: spawned(1) },
  {
    name: 'spawned, traced',
    signal: (_, other) => [
      tuple(30, REQUEST, US, other, tuple(atom('erlang'), atom('self'), 0), [], TOKEN),
      [],
    ],
    control: (_, found) => [tuple(32, REQUEST, US, 0, found[4] as Pid, ANY)],
  },
  {
    name: 'refused',
    signal: spawning('erlang', [tuple(atom('name'), atom('x'))]),
    control: () => [tuple(31, REQUEST, US, 0, atom('badopt'))],
  },
]

/**
 * Control messages that neither a BEAM nor we send, which BEAM nodes take: by `did` they have understood the very bytes that
 * our reader is then held to.
 */
interface Taken {
  readonly name: string
  /** As that of `SentByUs`. */
  readonly before?: string
  readonly control: (target: Pid) => readonly [Tuple, Encodable?]
  readonly did: string
  /** Newer releases close the connection. */
  readonly until?: number
}

const TAKEN_BY_BEAM: readonly Taken[] = [
  {
    name: 'exit/2 with its payload behind it, traced',
    control: (to) => [tuple(27, US, to, TOKEN), tuple(atom('kaboom'), 27)],
    did: 'last.() == {:EXIT, us, {:kaboom, 27}}',
  },
  {
    name: 'exit/2, traced',
    control: (to) => [tuple(18, US, to, TOKEN, tuple(atom('kaboom'), 18))],
    did: 'last.() == {:EXIT, us, {:kaboom, 18}}',
  },
  {
    name: 'unlink without an id',
    before: 'ask.(:link); us in info.(:links)',
    control: (to) => [tuple(4, US, to)],
    did: 'us not in info.(:links)',
    until: 25,
  },
]

const TARGET = `
defmodule Capture do
  def start do
    spawn(fn ->
      Process.flag(:trap_exit, true)
      Process.register(self(), :target)
      loop(nil)
    end)
  end

  def loop(last) do
    receive do
      {:last, from} -> send(from, {:last, last}); loop(last)
      {:ask, from, what, us} -> send(from, {:asked, act(what, us)}); loop(last)
      message -> loop(message)
    end
  end

  def act(:alias, _), do: :erlang.alias(if(String.to_integer(System.otp_release()) >= 28, do: [:priority], else: []))
  def act(:link, us), do: Process.link(us)
  def act(:unlink, us), do: Process.unlink(us)
  def act(:monitor, us), do: Process.monitor(us)
  def act(:monitor_name, us), do: Process.monitor({:printer, node(us)})
  def act(:spawn, us), do: :erlang.spawn_request(node(us), :m, :f, [], [])
end
Capture.start()
`

const PRELUDE = `
us = :erlang.binary_to_term(Base.decode64!("${base64(US)}"))
al = :erlang.binary_to_term(Base.decode64!("${base64(ALIAS)}"))
node = node(us)
token = fn k -> k end
last = fn -> send(:target, {:last, self()}); receive do {:last, m} -> m end end
ask = fn what -> send(:target, {:ask, self(), what, us}); receive do {:asked, x} -> x end end
info = fn what -> case Process.info(Process.whereis(:target), what) do {_, x} -> x end end
wait = fn f -> Enum.find(1..1000, fn _ -> f.() or (:timer.sleep(5) && false) end) != nil end
`

function base64(term: Encodable): string {
  return Buffer.from(encode(term)).toString('base64')
}

/** Everything that passes a transport, the lengths of the frames included. */
class Tap {
  readonly transport: Transport
  readonly incoming: Buffer[] = []
  readonly outgoing: Buffer[] = []

  constructor(inner: Transport) {
    const { incoming, outgoing } = this
    this.transport = new Proxy(inner, {
      get(target, property) {
        if (property === 'write') {
          return (bytes: Uint8Array) => {
            outgoing.push(Buffer.from(bytes))
            return inner.write(bytes)
          }
        }
        const value = Reflect.get(target, property, target) as unknown
        return typeof value === 'function' ? value.bind(target) : value
      },
      set(target, property, value) {
        if (property !== 'handler') return Reflect.set(target, property, value, target)
        const handler = value as TransportHandler
        target.handler = {
          onDrain: () => handler.onDrain(),
          onClose: (error) => handler.onClose(error),
          onData: (bytes) => {
            incoming.push(Buffer.from(bytes))
            handler.onData(bytes)
          },
        }
        return true
      },
    })
  }
}

/** Takes whole frames from what has passed; without their lengths, ticks left out. */
function takeFrames(passed: Buffer[]): string[] {
  const bytes = Buffer.concat(passed.splice(0))
  const frames: string[] = []
  let at = 0
  while (at < bytes.length) {
    const length = bytes.readUInt32BE(at)
    if (length > 0) frames.push(bytes.subarray(at + 4, at + 4 + length).toString('hex'))
    at += 4 + length
  }
  return frames
}

const lines: string[] = []

async function capture(otp: number): Promise<void> {
  const epmd = await startEpmd()
  const peer = await startPeer({ name: `n${otp}`, cookie: COOKIE, epmdPort: epmd.port, otp, library: false })
  try {
    await peer.eval(TARGET)
    for (const [form, without] of Object.entries(FORMS)) {
      if (form !== 'old links' || otp === 25) await captureForm(otp, form, without)
    }
  } finally {
    await peer.kill()
    await epmd.kill()
  }

  async function captureForm(release: number, form: string, without: bigint): Promise<void> {
    const network = new TcpNetwork()
    const entry = await new EpmdClient({ network, port: epmd.port }).lookup(`n${release}`, { host: '127.0.0.1' })
    if (entry === undefined) throw new Error('the peer is not registered')
    const inner = await network.connect({ host: '127.0.0.1', port: entry.port })
    const ours = flags.ourFlags({ hidden: true }) & ~without
    const handshake = await initiate(inner, {
      self: { name: NAME.name, flags: ours, creation: CREATION },
      peerName: `n${release}@127.0.0.1`,
      cookie: COOKIE,
      onAlive: () => true,
    })
    const tap = new Tap(handshake.transport)
    const { handler, signals } = recorder()
    const connection = new Connection({
      handshake: { ...handshake, transport: tap.transport },
      handler,
      codec: EXACT,
      onClose: (reason) => {
        if (!isOver) throw new Error(`the connection ended: ${reason?.message}`)
      },
    })
    let isOver = false
    connection.start()
    const can = capabilitiesOf(handshake.flags)
    const bound = `${PRELUDE}
ss = ${can.sendSender}; ep = ${can.exitPayload}; ac = ${can.altactSignals}
ui = ${hasFlag(handshake.flags, flags.DFLAG_UNLINK_ID)}`
    const conn = `${release} ${form}`
    let seq = 0
    const put = (fields: object): void =>
      void lines.push(JSON.stringify({ conn, flags: handshake.flags.toString(16), seq: seq++, ...fields }))

    // Frames of no interest may bring atoms that later ones refer to.
    const putOthers = (frames: readonly string[]): void => {
      for (const raw of frames) put({ dir: 'in', name: 'in between', raw })
    }

    const sessions = { ...SENT_BY_BEAM, ...(can.altactSignals ? SENT_BY_BEAM_28 : {}) }
    for (const [name, code] of Object.entries(sessions)) {
      signals.length = 0
      putOthers(takeFrames(tap.incoming))
      const session = `s${lines.length}`
      const answer = await peer.eval(`${bound}\n(${code}) |> :erlang.term_to_binary() |> Base.encode64()`, {
        session,
      })
      const expected = decode(Buffer.from(answer.slice(1, -1), 'base64'), EXACT) as Tuple[]
      await waitFor(() => signals.length >= expected.length, { what: `${conn}: ${name}` })
      const frames = takeFrames(tap.incoming)
      if (frames.length !== expected.length) throw new Error(`${name}: ${frames.length} frames`)
      for (const [i, pair] of expected.entries()) {
        const control = pair[0] as Tuple
        const payload = pair[1]
        const wanted = expectedSignal(control, payload)
        if (!same(signals[i]!, wanted)) {
          throw new Error(`${conn}, ${name}: got ${inspect(signals[i] as Term)}, expected ${inspect(wanted as Term)}`)
        }
        put({ dir: 'in', name, raw: frames[i], control_etf: hex(control), message_etf: pair.length > 1 ? hex(payload!) : null })
      }
    }

    const target = decode(
      Buffer.from((await peer.eval('Process.whereis(:target) |> :erlang.term_to_binary() |> Base.encode64()')).slice(1, -1), 'base64'),
    ) as Pid
    const fetch = async (code: string, session: string): Promise<Term> =>
      decode(
        Buffer.from(
          (await peer.eval(`${bound}\n(${code}) |> :erlang.term_to_binary() |> Base.encode64()`, { session })).slice(1, -1),
          'base64',
        ),
        EXACT,
      )
    const alias = (await fetch('ask.(:alias)', 'out')) as Reference
    const other = (await fetch('Process.group_leader()', 'out')) as Pid
    for (const { control, name, needs, signal } of ANSWERED_BY_BEAM) {
      if (needs !== undefined && !hasFlag(handshake.flags, needs)) continue
      signals.length = 0
      putOthers(takeFrames(tap.incoming))
      const [method, ...args] = signal(target, other)
      if (typeof method === 'string') {
        ;(connection[method] as (...each: unknown[]) => void).call(connection, ...args)
      } else {
        tap.transport.write(frame(method, args[0] as Encodable, can.passThrough))
      }
      await waitFor(() => signals.length > 0, { what: `${conn}: ${name}` })
      const [expected, payload] = control(target, signals[0]!, can.exitPayload)
      if (!same(signals[0]!, expectedSignal(expected, payload as Term))) {
        throw new Error(`${conn}, ${name}: got ${inspect(signalTerm(signals[0]!))}`)
      }
      // A process that was spawned ends at once, and says so when it is linked.
      const [first, ...others] = takeFrames(tap.incoming)
      put({
        dir: 'in',
        name,
        raw: first,
        control_etf: hex(expected),
        message_etf: payload === undefined ? null : hex(payload),
      })
      putOthers(others)
    }
    for (const { before, did, name, needs, signal } of SENT_BY_US) {
      if (needs !== undefined && !hasFlag(handshake.flags, needs)) continue
      const value = before === undefined ? null : await fetch(before, 'out')
      tap.outgoing.length = 0
      const sent = signal(target, alias, other, value)
      const [method, ...args] = sent
      ;(connection[method] as (...each: unknown[]) => void).call(connection, ...args)
      connection.flush()
      const frames = takeFrames(tap.outgoing)
      const done = await peer.eval(`${bound}\nwait.(fn -> ${did} end)`, { session: 'out' })
      if (done !== 'true') throw new Error(`${conn}: the BEAM did not take: ${name}`)
      if (!can.atomCache) put({ dir: 'out', name, raw: frames[0], signal_etf: encodeSignal(sent) })
    }
    for (const { before, control, did, name, until = 99 } of TAKEN_BY_BEAM) {
      if (release > until) continue
      if (before !== undefined) await fetch(before, 'out')
      const [element, payload] = control(target)
      const bytes = frame(element, payload, can.passThrough)
      tap.transport.write(bytes)
      const done = await peer.eval(`${bound}\nwait.(fn -> ${did} end)`, { session: 'out' })
      if (done !== 'true') throw new Error(`${conn}: the BEAM did not take: ${name}`)
      put({
        dir: 'taken',
        name,
        raw: bytes.subarray(4).toString('hex'),
        control_etf: hex(element),
        message_etf: payload === undefined ? null : hex(payload),
      })
    }
    isOver = true
    connection.destroy()
  }
}

function frame(control: Encodable, payload: Encodable | undefined, passThrough: boolean): Buffer {
  const terms = (payload === undefined ? [control] : [control, payload]).map((term) => encode(term))
  const body = passThrough
    ? Buffer.concat([Buffer.of(112), ...terms])
    : Buffer.concat([Buffer.of(131, 68, 0), ...terms.map((term) => term.subarray(1))])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length)
  return Buffer.concat([length, body])
}

function hex(term: Encodable): string {
  return Buffer.from(encode(term)).toString('hex')
}

function same(signal: Signal, wanted: Signal): boolean {
  const found = signalTerm(signal)
  return found.every((each, i) => wanted[i] === ANY || termEquals(each, wanted[i] as Term))
}

for (const otp of [25, 27, 29]) {
  const missing = whyNotOtp(otp)
  if (missing) throw new Error(missing)
  await capture(otp)
}
writeFileSync(new URL('signal_vectors.jsonl', import.meta.url), `${lines.join('\n')}\n`)
console.log(`${lines.length} messages`)

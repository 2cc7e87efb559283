/** The bridge between a runtime that is asked for nothing and connections that only write down. */
import { test } from 'tap'
import { silentLogger } from '../../src/core/index.ts'
import {
  type Atom,
  atom,
  type Encodable,
  encode,
  Pid,
  Reference,
  type Term,
  tuple,
} from '../../src/etf/index.ts'
import { Bridge, type BridgeOptions } from '../../src/node/bridge.ts'
import type { SignalSink, SpawnRequest } from '../../src/runtime/index.ts'
import { recorder, type Signal } from '../dist/recorder.ts'

const NODE = atom('b@b')
const OTHER = atom('c@c')
const ME = new Pid(atom('a@a'), 1, 0, 1)
const THERE = new Pid(NODE, 7, 0, 2)
const NOCONNECTION = atom('noconnection')
const REQUEST: SpawnRequest = {
  id: new Reference(atom('a@a'), 1, [9, 0, 0]),
  parent: ME,
  groupLeader: ME,
  module: atom('m'),
  function: atom('f'),
  args: [1, 2],
  options: [atom('monitor')],
}

function ref(word: number): Reference {
  return new Reference(atom('a@a'), 1, [word, 0, 0])
}

const LIMITS = { signals: 100, bytes: 1_000_000, highWaterMark: 100_000 }

interface Harness {
  readonly bridge: Bridge
  /** What the runtime was told, but for `hold` and `release`. */
  readonly told: unknown[][]
  /** `hold` and `release`. */
  readonly paced: unknown[][]
  /** Nodes that were dialed, in order. */
  readonly dialed: string[]
  /** The dial of a node succeeds: `signals` gets everything that is sent to it. */
  up(node?: Atom): Promise<Signal[]>
  /** The dial fails. */
  refuse(node?: Atom): Promise<void>
  readonly warnings: string[]
}

function harness(options: Partial<BridgeOptions> = {}): Harness {
  const told: unknown[][] = []
  const paced: unknown[][] = []
  const dialed: string[] = []
  const warnings: string[] = []
  const dials = new Map<string, PromiseWithResolvers>()
  const bridge = new Bridge({
    limits: LIMITS,
    codec: {},
    logger: { ...silentLogger, warn: (_fields, message) => void warnings.push(message) },
    dial: (peer) => {
      dialed.push(peer)
      const dial = withResolvers()
      dials.set(peer, dial)
      return dial.promise
    },
    ...options,
  })
  const sink = new Proxy({} as SignalSink, {
    get:
      (_sink, method) =>
      (...args: unknown[]) =>
        void (method === 'hold' || method === 'release' ? paced : told).push([method, ...args]),
  })
  bridge.attach(sink)
  return {
    bridge,
    told,
    paced,
    dialed,
    warnings,
    async up(node: Atom = NODE) {
      const { handler, signals } = recorder()
      bridge.connected(node, handler)
      dials.get(node.name)?.resolve()
      await turn()
      return signals
    },
    async refuse(node: Atom = NODE) {
      dials.get(node.name)?.reject(new Error('unreachable'))
      await turn()
    },
  }
}

interface PromiseWithResolvers {
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

function withResolvers(): PromiseWithResolvers {
  let resolve!: () => void
  let reject!: (error: Error) => void
  const promise = new Promise<void>((done, failed) => {
    resolve = done
    reject = failed
  })
  return { promise, resolve, reject }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Every signal that starts a dial, and what the runtime hears when that fails. */
const SIGNALS: readonly {
  readonly send: (bridge: Bridge) => void
  readonly onWire: Signal
  readonly onFailure: unknown[] | undefined
}[] = [
  {
    send: (bridge) => bridge.send(ME, THERE, 'hi'),
    onWire: ['send', ME, THERE, 'hi'],
    onFailure: undefined,
  },
  {
    send: (bridge) => bridge.sendName(ME, atom('rex'), NODE, 'hi'),
    onWire: ['sendName', ME, atom('rex'), 'hi'],
    onFailure: undefined,
  },
  {
    send: (bridge) => bridge.sendAlias(ME, new Reference(NODE, 2, [1, 2, 3]), 'hi'),
    onWire: ['sendAlias', ME, new Reference(NODE, 2, [1, 2, 3]), 'hi'],
    onFailure: undefined,
  },
  {
    send: (bridge) => bridge.link(ME, THERE),
    onWire: ['link', ME, THERE],
    onFailure: ['exit', THERE, ME, NOCONNECTION],
  },
  {
    send: (bridge) => bridge.exit2(ME, THERE, atom('kill')),
    onWire: ['exit2', ME, THERE, atom('kill')],
    onFailure: undefined,
  },
  {
    send: (bridge) => bridge.monitor(ME, THERE, ref(1)),
    onWire: ['monitor', ME, THERE, ref(1)],
    onFailure: ['monitorExit', THERE, ME, ref(1), NOCONNECTION],
  },
  {
    send: (bridge) => bridge.monitor(ME, { name: atom('rex'), node: NODE }, ref(2)),
    onWire: ['monitor', ME, atom('rex'), ref(2)],
    onFailure: ['monitorExit', atom('rex'), ME, ref(2), NOCONNECTION],
  },
  {
    send: (bridge) => bridge.groupLeader(ME, THERE),
    onWire: ['groupLeader', ME, THERE],
    onFailure: undefined,
  },
  {
    send: (bridge) => bridge.spawnRequest(NODE, REQUEST),
    onWire: [
      'spawnRequest',
      REQUEST.id,
      ME,
      ME,
      { module: atom('m'), function: atom('f'), arity: 2 },
      [atom('monitor')],
      [1, 2],
    ],
    onFailure: ['spawnReply', REQUEST.id, ME, 0, NOCONNECTION],
  },
]

test('signals to a connected node go straight to its connection', async (t) => {
  const { bridge, dialed, up } = harness()
  const signals = await up()
  for (const { send } of SIGNALS) send(bridge)
  t.same(
    signals,
    SIGNALS.map(({ onWire }) => onWire),
  )
  t.same(dialed, [])
})

test('signals to a node that is not connected wait in order while it is dialed once', async (t) => {
  const { bridge, dialed, told, up } = harness()
  for (const { send } of SIGNALS) send(bridge)
  t.same(dialed, ['b@b'])
  t.same(
    await up(),
    SIGNALS.map(({ onWire }) => onWire),
  )
  t.same(told, [])
})

test('an unreachable node answers what can be answered, with noconnection', async (t) => {
  const { bridge, told, refuse } = harness()
  for (const { send } of SIGNALS) send(bridge)
  await refuse()
  t.same(
    told,
    SIGNALS.flatMap(({ onFailure }) => (onFailure === undefined ? [] : [onFailure])),
  )
})

test('a node is dialed again by the first signal after a failure', async (t) => {
  const { bridge, dialed, refuse, up } = harness()
  bridge.send(ME, THERE, 'lost')
  await refuse()
  bridge.send(ME, THERE, 'kept')
  t.same(dialed, ['b@b', 'b@b'])
  t.same(await up(), [['send', ME, THERE, 'kept']])
})

test('a signal that is sent in answer to a failure gets its own dial and its own answer', async (t) => {
  const { bridge, dialed, told, refuse } = harness()
  const sink = new Proxy({} as SignalSink, {
    get:
      (_sink, method) =>
      (...args: unknown[]) => {
        if (method === 'release') return
        told.push([method, ...args])
        if (told.length === 1) bridge.monitor(ME, THERE, ref(2))
      },
  })
  bridge.attach(sink)
  bridge.monitor(ME, THERE, ref(1))
  await refuse()
  t.same(dialed, ['b@b', 'b@b'])
  t.equal(told.length, 1)
  await refuse()
  t.same(told[1], ['monitorExit', THERE, ME, ref(2), NOCONNECTION])
})

test('a dial that succeeds for a connection that is gone again fails what waits', async (t) => {
  const { bridge, told } = harness({ dial: async () => {} })
  bridge.monitor(ME, THERE, ref(1))
  await turn()
  t.same(told, [['monitorExit', THERE, ME, ref(1), NOCONNECTION]])
})

test('a message is taken as it was when it was sent', async (t) => {
  const { bridge, up } = harness()
  const list: Encodable[] = [1]
  const object = { a: 1 }
  bridge.send(ME, THERE, list)
  bridge.send(ME, THERE, object)
  list.push(2)
  object.a = 2
  const [first, second] = await up()
  t.same(first?.[3], [1])
  t.same(second?.[3], new Map([[atom('a'), 1]]))
})

test('a message that has no term fails its sender, and nothing waits', async (t) => {
  const { bridge, dialed } = harness()
  const bad = [Symbol('no term')] as unknown as Encodable
  t.throws(() => bridge.send(ME, THERE, bad), { name: 'EncodeError' })
  t.throws(() => bridge.sendName(ME, atom('rex'), NODE, bad), { name: 'EncodeError' })
  t.throws(() => bridge.sendAlias(ME, new Reference(NODE, 2, [1]), bad), { name: 'EncodeError' })
  t.throws(() => bridge.exit2(ME, THERE, bad), { name: 'EncodeError' })
  t.throws(() => bridge.spawnRequest(NODE, { ...REQUEST, args: bad as Term }), { name: 'EncodeError' })
  t.same(dialed, [])
})

test('what takes back a waiting signal waits behind it', async (t) => {
  const { bridge, dialed, up } = harness()
  bridge.monitor(ME, THERE, ref(1))
  bridge.demonitor(ME, THERE, ref(1))
  bridge.link(ME, THERE)
  bridge.unlink(1n, ME, THERE)
  bridge.link(ME, THERE)
  bridge.exit(ME, THERE, atom('done'))
  t.same(dialed, ['b@b'])
  t.same(await up(), [
    ['monitor', ME, THERE, ref(1)],
    ['demonitor', ME, THERE, ref(1)],
    ['link', ME, THERE],
    ['unlink', 1n, ME, THERE],
    ['link', ME, THERE],
    ['exit', ME, THERE, atom('done')],
  ])
})

test('an unlink that never left counts as acknowledged', async (t) => {
  const { bridge, told, refuse } = harness()
  bridge.link(ME, THERE)
  bridge.unlink(4n, ME, THERE)
  await refuse()
  t.same(told, [
    ['exit', THERE, ME, NOCONNECTION],
    ['unlinkAck', 4n, THERE, ME],
  ])
})

test('what only takes back, or answers, dials nobody', async (t) => {
  const { bridge, dialed, told } = harness()
  bridge.demonitor(ME, THERE, ref(1))
  bridge.unlink(1n, ME, THERE)
  bridge.unlinkAck(1n, ME, THERE)
  bridge.exit(ME, THERE, atom('done'))
  bridge.monitorExit(ME, THERE, ref(1), atom('done'))
  bridge.spawnReply(ref(1), THERE, 0, atom('notsup'))
  t.same(dialed, [])
  t.same(told, [])
})

test('past the limit everything is answered as if the node were unreachable, with one warning', async (t) => {
  const { bridge, told, up, warnings } = harness({ limits: { ...LIMITS, signals: 2 } })
  bridge.send(ME, THERE, 1)
  bridge.monitor(ME, THERE, ref(1))
  t.same(told, [])
  t.equal(bridge.send(ME, THERE, 3), false)
  t.same(told.shift(), ['monitorExit', THERE, ME, ref(1), NOCONNECTION], 'what waited is given up')
  bridge.monitor(ME, THERE, ref(2))
  bridge.demonitor(ME, THERE, ref(2))
  t.same(told, [['monitorExit', THERE, ME, ref(2), NOCONNECTION]])
  t.equal(warnings.length, 1)
  const signals = await up()
  t.same(signals, [])
  bridge.send(ME, THERE, 4)
  t.same(signals, [['send', ME, THERE, 4]], 'over the connection it begins anew')
})

test('nothing is missing in the middle after more was sent than may wait, however small what follows is', async (t) => {
  const { bridge, up } = harness({ limits: { ...LIMITS, bytes: 3000 } })
  for (let i = 0; i < 10; i++) bridge.send(ME, THERE, `${i}${'x'.repeat(i < 5 ? 1000 : 0)}`)
  const signals = await up()
  for (let i = 10; i < 12; i++) bridge.send(ME, THERE, String(i))
  t.same(
    signals.map(([, , , message]) => message),
    ['10', '11'],
  )
})

test('a message that the peer turns out not to take is lost alone, and told as unreachable', async (t) => {
  const { bridge, told } = harness()
  const { handler, signals } = recorder()
  const spawnRequest = (): never => {
    throw new Error('a native record')
  }
  bridge.send(ME, THERE, 1)
  bridge.spawnRequest(NODE, REQUEST)
  bridge.send(ME, THERE, 2)
  bridge.connected(NODE, { ...handler, spawnRequest })
  t.same(
    signals.map(([, , , message]) => message),
    [1, 2],
  )
  t.same(told, [['spawnReply', REQUEST.id, ME, 0, NOCONNECTION]])
})

test('a dial that fails after too much waited makes room for the next one', async (t) => {
  const { bridge, dialed, refuse, up } = harness({ limits: { ...LIMITS, signals: 1 } })
  for (let i = 0; i < 3; i++) bridge.send(ME, THERE, i)
  await refuse()
  bridge.send(ME, THERE, 'again')
  t.same(dialed, ['b@b', 'b@b'])
  t.same(await up(), [['send', ME, THERE, 'again']])
})

test('who sends to a busy connection is told to wait, whatever it sends', async (t) => {
  for (const { send, onWire } of SIGNALS) {
    const { bridge, paced } = harness()
    const { handler, signals } = recorder()
    const connection = { ...handler, isBusy: false }
    bridge.connected(NODE, connection)
    paced.length = 0
    send(bridge)
    t.same(paced, [], 'not while it is not busy')
    connection.isBusy = true
    send(bridge)
    t.equal(signals.length, 2, `${onWire[0]} is sent`)
    const sender = onWire[0] === 'groupLeader' ? paced[0]?.[1] : ME
    t.same(paced, [['hold', sender, NODE]])
    bridge.writable(NODE, handler)
    t.equal(paced.length, 1, 'another connection has no say')
    bridge.writable(NODE, connection)
    t.same(paced.slice(1), [['release', NODE]])
  }
})

test('a sender is not told to wait for a connection that went while its message was encoded', (t) => {
  const { bridge, paced } = harness()
  const connection = { ...recorder().handler, isBusy: true }
  connection.send = () => bridge.lost(NODE, connection)
  bridge.connected(NODE, connection)
  bridge.send(ME, THERE, 'x')
  t.same(paced, [['release', NODE]])
  t.end()
})

test('a connection that is busy with what had waited is not free yet', async (t) => {
  const { bridge, paced } = harness()
  const connection = { ...recorder().handler, isBusy: true }
  bridge.connected(NODE, connection)
  t.same(paced, [])
  connection.isBusy = false
  bridge.writable(NODE, connection)
  t.same(paced, [['release', NODE]])
})

test('who sends much to a node that is being dialed waits for the outcome', async (t) => {
  const { bridge, refuse, paced, up } = harness()
  bridge.send(ME, THERE, 'x'.repeat(99_000))
  t.same(paced, [])
  bridge.send(ME, THERE, 'x'.repeat(2000))
  t.same(paced.splice(0), [['hold', ME, NODE]])
  await refuse()
  t.same(paced.splice(0), [['release', NODE]])
  bridge.send(ME, THERE, 'x'.repeat(200_000))
  t.same(paced.splice(0), [['hold', ME, NODE]])
  t.equal((await up()).length, 1)
  t.same(paced, [['release', NODE]])
})

test('drained resolves when the node takes messages, and rejects when it will not take those that wait', async (t) => {
  const { bridge, refuse, up } = harness({ limits: { ...LIMITS, bytes: 300_000 } })
  await bridge.drained(NODE)
  const big = 'x'.repeat(200_000)
  bridge.send(ME, THERE, 'small')
  await bridge.drained(NODE)

  bridge.send(ME, THERE, big)
  let waiting = bridge.drained(NODE)
  await up()
  await waiting

  const connection = { ...recorder().handler, isBusy: true }
  bridge.connected(NODE, connection)
  const order: string[] = []
  waiting = bridge.drained(NODE).then(() => void order.push('drained'))
  await turn()
  order.push('writable')
  connection.isBusy = false
  bridge.writable(NODE, connection)
  await waiting
  t.same(order, ['writable', 'drained'])

  connection.isBusy = true
  const gaveUp = new AbortController()
  const aborted = bridge.drained(NODE, gaveUp.signal)
  gaveUp.abort(new Error('enough'))
  await t.rejects(aborted, { message: 'enough' })
  await t.rejects(bridge.drained(NODE, gaveUp.signal), { message: 'enough' })
  const lost = bridge.drained(NODE)
  bridge.lost(NODE, connection)
  await t.rejects(lost, { code: 'ERR_NODE_DOWN' })
  await bridge.drained(NODE)

  bridge.send(ME, THERE, big)
  const refused = t.rejects(bridge.drained(NODE), { code: 'ERR_NODE_DOWN' })
  await refuse()
  await refused

  bridge.send(ME, THERE, big)
  const full = bridge.drained(NODE)
  bridge.send(ME, THERE, big)
  await t.rejects(full, { code: 'ERR_NODE_OUTBOX_FULL' })
  await t.rejects(bridge.drained(NODE), { code: 'ERR_NODE_OUTBOX_FULL' })
})

test('a lost connection is told to the runtime once, and only when it is the one in use', async (t) => {
  const { bridge, told } = harness()
  const first = recorder().handler
  const second = recorder().handler
  bridge.connected(NODE, first)
  bridge.connected(NODE, second)
  bridge.lost(NODE, first)
  t.same(told, [])
  bridge.lost(NODE, second)
  bridge.lost(NODE, second)
  t.same(told, [['connectionLost', NODE]])
})

test('nodes do not get in each other’s way', async (t) => {
  const { bridge, dialed, told, refuse, up } = harness()
  bridge.send(ME, THERE, 'hi')
  bridge.monitor(ME, { name: atom('rex'), node: OTHER }, ref(1))
  t.same(dialed, ['b@b', 'c@c'])
  await refuse(OTHER)
  t.same(told, [['monitorExit', atom('rex'), ME, ref(1), NOCONNECTION]])
  t.same(await up(NODE), [['send', ME, THERE, 'hi']])
})

test('an exit reason that has no term arrives as its printed form', async (t) => {
  const { bridge } = harness()
  const reasons: unknown[] = []
  const { handler } = recorder()
  const encoding = (reason: Encodable): void => {
    encode(reason)
    reasons.push(reason)
  }
  bridge.connected(NODE, {
    ...handler,
    exit: (_from, _to, reason) => encoding(reason),
    monitorExit: (_from, _to, _ref, reason) => encoding(reason),
  })
  const bad = tuple(atom('oops'), Symbol('no term') as unknown as Encodable)
  bridge.exit(ME, THERE, bad)
  bridge.monitorExit(ME, THERE, ref(1), bad)
  t.equal(reasons.length, 2)
  for (const reason of reasons) t.match(reason, { 0: atom('unencodable'), 1: /symbol/i })
})

test('everything that arrives is handed to the runtime', async (t) => {
  const { bridge, told } = harness()
  const handler = bridge.handlerFor()
  handler.send(null, ME, 1)
  handler.sendName(THERE, atom('rex'), 2)
  handler.sendAlias(THERE, ref(1), 3)
  handler.link(THERE, ME)
  handler.unlink(5n, THERE, ME)
  handler.unlinkAck(6n, THERE, ME)
  handler.exit(THERE, ME, 7)
  handler.exit2(THERE, ME, 8)
  handler.exitAlias(THERE, ref(2), 9)
  handler.monitor(THERE, atom('rex'), ref(3))
  handler.demonitor(THERE, atom('rex'), ref(3))
  handler.monitorExit(THERE, ME, ref(4), 10)
  handler.groupLeader(THERE, ME)
  handler.spawnReply(ref(5), ME, 2, THERE)
  t.same(told, [
    ['send', ME, 1],
    ['sendName', atom('rex'), 2],
    ['sendAlias', ref(1), 3],
    ['link', THERE, ME],
    ['unlink', 5n, THERE, ME],
    ['unlinkAck', 6n, THERE, ME],
    ['exit', THERE, ME, 7],
    ['exit2', THERE, ME, 8],
    ['exitAlias', THERE, ref(2), 9],
    ['monitor', THERE, atom('rex'), ref(3)],
    ['demonitor', THERE, atom('rex'), ref(3)],
    ['monitorExit', THERE, ME, ref(4), 10],
    ['groupLeader', THERE, ME],
    ['spawnReply', ref(5), ME, 2, THERE],
  ])
})

test('a spawn request goes to who serves them, and is notsup without one', async (t) => {
  const { bridge, up } = harness()
  const signals = await up()
  const mfa = { module: atom('m'), function: atom('f'), arity: 1 }
  const id = new Reference(NODE, 2, [1, 0, 0])
  bridge.handlerFor().spawnRequest(id, THERE, THERE, mfa, [], [1])
  t.same(signals, [['spawnReply', id, THERE, 0, atom('notsup')]])
  const served: SpawnRequest[] = []
  bridge.onSpawnRequest((request) => void served.push(request))
  bridge.handlerFor().spawnRequest(id, THERE, THERE, mfa, [atom('link')], [1])
  t.same(served, [
    {
      id,
      parent: THERE,
      groupLeader: THERE,
      module: atom('m'),
      function: atom('f'),
      args: [1],
      options: [atom('link')],
    },
  ])
})

test('a bridge without a runtime says so', async (t) => {
  const bridge = new Bridge({
    limits: LIMITS,
    codec: {},
    logger: silentLogger,
    dial: async () => {},
  })
  t.throws(() => bridge.handlerFor(), /before a runtime is attached/)
})

test('who sends hears whether its message was taken', async (t) => {
  const { bridge, up } = harness({ limits: { ...LIMITS, bytes: 10 } })
  const rex = atom('rex')
  t.equal(bridge.send(ME, THERE, 'the first is taken'), true)
  t.equal(bridge.send(ME, THERE, 'too much'), false)
  t.equal(bridge.sendName(ME, rex, NODE, 'too much'), false)
  await up()
  t.equal(bridge.send(ME, THERE, 'over the connection'), true)
  t.equal(bridge.sendName(ME, rex, NODE, 'over the connection'), true)
})

test('an exit reason that cannot even be looked at arrives as one that says so', async (t) => {
  const { bridge } = harness()
  const { handler } = recorder()
  const reasons: unknown[] = []
  const exit = (_from: unknown, _to: unknown, reason: Encodable): void => {
    encode(reason)
    reasons.push(reason)
  }
  bridge.connected(NODE, { ...handler, exit })
  const trap = {
    get x(): never {
      throw new Error('do not look')
    },
  }
  const half = { '\ud800': Symbol('no term') } as unknown as Encodable
  for (const reason of [trap, half]) bridge.exit(ME, THERE, reason)
  t.equal(reasons.length, 2)
  for (const reason of reasons) t.match(reason, { 0: atom('unencodable') })
})

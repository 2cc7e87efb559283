/** Topics that several nodes share. */
import { test } from 'tap'
import type { BeamNode } from '../../src/beam-node.ts'
import { type Atom, alias, atom, type Encodable, type Pid, type Term, tuple } from '../../src/etf/index.ts'
import { PubSub, type PubSubOptions, type Subscriber } from '../../src/pubsub/index.ts'
import { decodeForward, encodeForward, groupNames, pubSubName } from '../../src/pubsub/protocol.ts'
import type { Process } from '../../src/runtime/index.ts'
import { type Teardown, TestNodes } from '../support/two-nodes.ts'

const NAME = { name: 'MyApp.PubSub' } as const
const SCOPE = alias('Phoenix.PubSub')
const ADAPTER = alias('MyApp.PubSub.Adapter')

async function setUp(t: Teardown, options: PubSubOptions = NAME) {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair()
  const [one, two] = [new PubSub(a, options), new PubSub(b, options)]
  const isKnown = (node: BeamNode): boolean => node.pg(SCOPE).members(ADAPTER).length === 2
  await nodes.until(() => isKnown(a) && isKnown(b))
  return { nodes, a, b, one, two }
}

/** A process that writes down what it gets. */
function recorder(node: BeamNode): { pid: Pid; got: Term[] } {
  const got: Term[] = []
  const pid = node.spawn(async (self: Process) => {
    for (;;) got.push(await self.receive())
  })
  return { pid, got }
}

test('names are those of the adapter', async (t) => {
  t.equal(pubSubName('MyApp.PubSub'), alias('MyApp.PubSub'))
  t.equal(pubSubName('Elixir.MyApp.PubSub'), alias('MyApp.PubSub'))
  t.equal(pubSubName('my_pubsub'), atom('my_pubsub'))
  t.equal(pubSubName(atom('Plain')), atom('Plain'))
  const names = (name: string, size: number) =>
    groupNames(pubSubName(name), size).map(({ group }) => group.name)
  t.same(names('MyApp.PubSub', 3), [
    'Elixir.MyApp.PubSub.Adapter',
    'Elixir.MyApp.PubSub.Adapter_2',
    'Elixir.MyApp.PubSub.Adapter_3',
  ])
  t.same(names('my_pubsub', 1), ['Elixir.my_pubsub.Adapter'])
  t.equal(groupNames(pubSubName('X'), 1)[0]?.other?.name, 'Elixir.X.Adapter_1')
})

test('only what the adapter sends is taken', async (t) => {
  const dispatcher = alias('Phoenix.PubSub')
  t.match(decodeForward(encodeForward('t', 'm', dispatcher) as Term), {
    topic: 't',
    message: 'm',
    dispatcher,
  })
  const bytes = tuple(atom('forward_to_local'), new TextEncoder().encode('t'), 1, dispatcher)
  t.match(decodeForward(bytes as Term), { topic: 't' })
  for (const other of [
    'x',
    tuple(),
    tuple(atom('forward_to_local'), 't', 1),
    tuple(atom('forward'), 't', 1, dispatcher),
    tuple(atom('forward_to_local'), atom('t'), 1, dispatcher),
    tuple(atom('forward_to_local'), 't', 1, 'Phoenix.PubSub'),
  ]) {
    t.equal(decodeForward(other as Term), undefined)
  }
})

test('a broadcast reaches functions, subscriptions and processes on every node', async (t) => {
  const { a, b, nodes, one, two } = await setUp(t)
  const heard: unknown[] = []
  one.subscribe('room', (message, { topic, dispatcher }) =>
    heard.push(['one', message, topic, dispatcher.name]),
  )
  two.subscribe('room', (message) => heard.push(['two', message]))
  two.subscribe('other', () => t.fail('this is another topic'))
  const near = recorder(a)
  const far = recorder(b)
  one.subscribe('room', near.pid)
  two.subscribe('room', far.pid)
  const subscription = two.subscribe('room')
  one.broadcast('room', tuple(atom('new_msg'), 'hello'))
  t.match(await subscription.next(), { done: false, value: { 0: atom('new_msg'), 1: 'hello' } })
  await nodes.until(() => far.got.length === 1 && near.got.length === 1)
  t.match(heard, [
    ['one', { 1: 'hello' }, 'room', 'Elixir.Phoenix.PubSub'],
    ['two', { 1: 'hello' }],
  ])
  t.same([one.topics(), two.topics()], [['room'], ['room', 'other']])
})

test('a broadcast from somebody does not come back to them', async (t) => {
  const { a, nodes, one, two } = await setUp(t)
  const [me, other] = [recorder(a), recorder(a)]
  one.subscribe('room', me.pid)
  one.subscribe('room', other.pid)
  const [mine, far] = [one.subscribe('room'), two.subscribe('room')]
  one.broadcastFrom(me.pid, 'room', 1)
  one.localBroadcastFrom(mine, 'room', 2)
  one.localBroadcast('room', 3)
  t.match(await far.next(), { value: 1 })
  await nodes.until(() => other.got.length === 3 && me.got.length === 2)
  t.same(
    [me.got, other.got],
    [
      [2, 3],
      [1, 2, 3],
    ],
  )
  t.match([await mine.next(), await mine.next()], [{ value: 1 }, { value: 3 }])
})

test('a broadcast to one node reaches that node alone', async (t) => {
  const { a, b, nodes, one, two } = await setUp(t)
  const heard: unknown[] = []
  one.subscribe('room', (message) => heard.push(['one', message]))
  two.subscribe('room', (message) => heard.push(['two', message]))
  one.directBroadcast(b.name, 'room', 'there')
  await nodes.until(() => heard.length === 1)
  one.directBroadcast(a.name, 'room', 'here')
  await nodes.until(() => heard.length === 2)
  t.same(heard, [
    ['two', 'there'],
    ['one', 'here'],
  ])
})

test('a pool of any size keeps the order of each sender', async (t) => {
  const { a, b, nodes, one, two } = await setUp(t, { ...NAME, poolSize: 4, broadcastPoolSize: 3 })
  t.ok(b.whereis('Elixir.MyApp.PubSub.Adapter_4'))
  const heard: Term[] = []
  two.subscribe('room', (message) => heard.push(message))
  const senders = Array.from({ length: 8 }, () => recorder(a).pid)
  await nodes.until(() => a.pg(SCOPE).members(alias('MyApp.PubSub.Adapter_3')).length === 2)
  for (let round = 0; round < 10; round++) {
    for (const [index, pid] of senders.entries()) one.broadcastFrom(pid, 'room', [index, round])
  }
  await nodes.until(() => heard.length === 80)
  for (const index of senders.keys()) {
    const rounds = (heard as [number, number][])
      .filter(([sender]) => sender === index)
      .map(([, round]) => round)
    t.same(rounds, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  }
})

test('nodes of version 2.1.0 call the first group otherwise', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair()
  const old = recorder(b)
  b.register('Elixir.MyApp.PubSub.Adapter_1', old.pid)
  b.pg(SCOPE).join(atom('Elixir.MyApp.PubSub.Adapter_1'), old.pid)
  const pubsub = new PubSub(a, NAME)
  t.teardown(() => pubsub.stop())
  const heard: Term[] = []
  pubsub.subscribe('room', (message) => heard.push(message))
  const group = atom('Elixir.MyApp.PubSub.Adapter_1')
  await nodes.until(() => a.pg(SCOPE).members(group).length === 2 && b.pg(SCOPE).members(group).length === 2)
  pubsub.broadcast('room', 1)
  pubsub.directBroadcast(b.name, 'room', 2)
  await nodes.until(() => old.got.length === 2)
  t.match(old.got, [{ 0: atom('forward_to_local'), 1: 'room', 2: 1 }, { 2: 2 }])
  for (const pid of b
    .pg(SCOPE)
    .members(group)
    .filter(({ node }) => node === a.name)) {
    b.send(pid, encodeForward('room', 3, SCOPE))
  }
  await nodes.until(() => heard.length === 2)
  t.same(heard, [1, 3])
})

test('who unsubscribes, ends or is not there any more gets nothing', async (t) => {
  const { a, nodes, one } = await setUp(t)
  const heard: Term[] = []
  const listener = (message: Term): void => void heard.push(message)
  one.subscribe('room', listener)
  one.subscribe('room', listener)
  one.broadcast('room', 1)
  t.same(heard, [1, 1], 'twice subscribed is twice told')
  t.equal(one.unsubscribe('room', listener), true)
  t.equal(one.unsubscribe('room', listener), false)
  t.equal(one.unsubscribe('nowhere', listener), false)
  const stays = one.subscribe('here')
  const there = one.subscribe('there')
  t.equal(one.unsubscribe('there', stays), false, 'of another topic')
  there.unsubscribe()
  t.equal(one.unsubscribe('here', stays), true, 'and goes on with its own')
  const process = recorder(a)
  one.subscribe('room', process.pid)
  one.subscribe('other', process.pid)
  one.unsubscribe('other', process.pid)
  t.same(one.topics(), ['room'])
  a.exit(process.pid, atom('kill'))
  await nodes.until(() => one.topics().length === 0)
  const subscription = one.subscribe('room')
  one.localBroadcast('room', 1)
  one.localBroadcast('room', 2)
  for await (const message of subscription) {
    t.equal(message, 1)
    break
  }
  t.same(one.topics(), [])
  t.match(await subscription.next(), { value: 2 })
  t.match(await subscription.next(), { done: true })
})

test('a subscription that is not read ends when too much waits', async (t) => {
  const { one } = await setUp(t, { ...NAME, limit: 2 })
  const subscription = one.subscribe('room')
  for (const message of [1, 2, 3, 4]) one.localBroadcast('room', message)
  t.same(one.topics(), [])
  t.match([await subscription.next(), await subscription.next()], [{ value: 1 }, { value: 2 }])
  await t.rejects(subscription.next(), { code: 'ERR_PUBSUB_BEHIND', message: /room.*limit/ })
  t.match(await subscription.next(), { done: true })
})

test('dispatchers that are known decide, others deliver as usual', async (t) => {
  const seen: unknown[] = []
  const mine = alias('My.Dispatcher')
  const dispatchers = {
    [mine.name]: (all: readonly Subscriber[], from: unknown, message: Term) => {
      seen.push([all.length, from, message])
      if (message === 'bad') throw new Error('no dispatcher')
    },
  }
  const { nodes, one, two } = await setUp(t, { ...NAME, dispatchers })
  const heard: unknown[] = []
  two.subscribe('room', (message, { dispatcher }) => heard.push([message, dispatcher]))
  const send = (message: Encodable, dispatcher: Atom) => one.broadcast('room', message, { dispatcher })
  send('custom', mine)
  send('bad', mine)
  send('other', alias('Another'))
  await nodes.until(() => heard.length === 1)
  t.same(
    [seen, heard],
    [
      [
        [1, undefined, 'custom'],
        [1, undefined, 'bad'],
      ],
      [['other', alias('Another')]],
    ],
  )
  t.ok(nodes.complaints().some((line) => line.includes('threw')))
})

test('a subscriber that throws is reported, and the others are told', async (t) => {
  const { nodes, one } = await setUp(t)
  const heard: Term[] = []
  one.subscribe('room', () => {
    throw new Error('no good')
  })
  one.subscribe('room', (message) => heard.push(message))
  one.broadcast('room', 1)
  t.same(heard, [1])
  t.match(nodes.complaints(), ['a subscriber of a topic threw'])
})

test('a worker that is killed is replaced', async (t) => {
  const { a, b, nodes, one, two } = await setUp(t)
  const heard: Term[] = []
  two.subscribe('room', (message) => heard.push(message))
  const worker = b.whereis(ADAPTER) as Pid
  b.exit(worker, atom('kill'))
  await nodes.until(() => {
    const members = a.pg(SCOPE).members(ADAPTER)
    return members.length === 2 && !members.some((pid) => pid.equals(worker))
  })
  one.broadcast('room', 1)
  await nodes.until(() => heard.length === 1)
})

test('after a stop everything is given back, and nothing works any more', async (t) => {
  const { a, b, nodes, one, two } = await setUp(t)
  const subscription = one.subscribe('room')
  const read = subscription.next()
  one.subscribe('room', recorder(a).pid)
  t.throws(() => new PubSub(a, NAME), { code: 'ERR_RUNTIME_NAME_TAKEN' })
  one.stop()
  one.stop()
  t.match(await read, { done: true })
  for (const act of [
    () => one.subscribe('x'),
    () => one.broadcast('x', 1),
    () => one.localBroadcast('x', 1),
  ]) {
    t.throws(act, { code: 'ERR_PUBSUB_STOPPED' })
  }
  t.throws(() => one.directBroadcast(b.name, 'x', 1), { code: 'ERR_PUBSUB_STOPPED' })
  await nodes.until(() => b.pg(SCOPE).members(ADAPTER).length === 1)
  t.equal(a.whereis(ADAPTER), undefined)
  const again = new PubSub(a, NAME)
  const heard: Term[] = []
  again.subscribe('room', (message) => heard.push(message))
  await nodes.until(() => b.pg(SCOPE).members(ADAPTER).length === 2)
  two.broadcast('room', 1)
  await nodes.until(() => heard.length === 1)
  for (const bad of [
    { poolSize: 0 },
    { poolSize: 2, broadcastPoolSize: 3 },
    { limit: 0 },
    { poolSize: 1.5 },
  ]) {
    t.throws(() => new PubSub(a, { name: 'Bad', ...bad }), { code: 'ERR_INVALID_OPTION' })
  }
})

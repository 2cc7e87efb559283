import { test } from 'tap'
import {
  type Atom,
  atom,
  type Encodable,
  ExportFun,
  inspect,
  Pid,
  Reference,
  type Term,
} from '../../src/etf/index.ts'
import { NameServer, type NameServerOptions } from '../../src/services/global/name-server.ts'
import type { NameChange, NameRecord } from '../../src/services/global/protocol.ts'

const [A, B, C] = [atom('a@a'), atom('b@b'), atom('c@c')] as Atom[] as [Atom, Atom, Atom]
const METHOD = new ExportFun(atom('global'), atom('random_exit_name'), 3)
const [OURS, THEIRS] = [new Pid(A, 1, 0, 9), new Pid(B, 2, 0, 9)]
const LOCKER = new Pid(B, 3, 0, 9)
const THEIR_TAG = -77n

/** A name server whose effects are written down: `cast b@b {:in_sync, :a@a, true}`. */
function recorded(options: Partial<NameServerOptions> = {}) {
  const done: string[] = []
  let refs = 0
  const log = (what: string, node: Atom, message?: Encodable): void =>
    void done.push([what, node.name, ...(message === undefined ? [] : [inspect(message)])].join(' '))
  const server = new NameServer(
    { self: A, creation: 42, connectAll: true, preventOverlappingPartitions: true, ...options },
    {
      monitor: () => new Reference(A, 9, [++refs, 0, 0]),
      demonitor: () => {},
      cast: (node, message) => log('cast', node, message),
      send: (node, message) => log('send', node, message),
      settle: (node, ours, names) => log('settle', node, [ours, names.map(({ name }) => name)] as Encodable),
      introduce: (node) => log('introduce', node),
      disconnect: (node) => log('disconnect', node),
      leave: (node) => log('leave', node),
      nameGone: () => {},
      now: () => 0,
      warn: () => {},
    },
    {
      pid: new Pid(A, 9, 0, 9),
      add: ({ node, ours, theirs }) => log('locker add', node, [ours, theirs]),
      cancel: (node, ours) => log('locker cancel', node, ours),
      lockSet: (locker, isSet) => log('locker lock_set', locker.node, isSet),
      addKnown: (nodes) => void done.push(`locker known ${nodes.join()}`),
      removeKnown: (node) => log('locker unknown', node),
    },
  )
  return { server, took: () => done.splice(0) }
}

const record = (name: Term, pid: Pid): NameRecord => ({ name, pid, method: METHOD })
const insert = (name: Term, pid: Pid): NameChange => ({ type: 'insert', record: record(name, pid) })
const initConnect = (tag = THEIR_TAG) =>
  ({ type: 'init_connect', node: B, version: 8, tag, locker: LOCKER }) as const
const resolved = (changes: readonly NameChange[], known: readonly Atom[] = [], tag = 1) =>
  ({
    type: 'resolved',
    node: B,
    changes,
    known: known.map((node) => ({ node, version: 8 })),
    external: [],
    tag,
  }) as const

/** Up to the moment when both lockers hold the lock. */
function met(options?: Partial<NameServerOptions>) {
  const { server, took } = recorded(options)
  server.nodeUp(B)
  server.handle(initConnect())
  server.locks.set({ resource: atom('global'), requester: 'both' }, LOCKER)
  took()
  server.lockIsSet(B, 1, 'both')
  return { server, took }
}

/** In sync with b@b. */
function synced(options?: Partial<NameServerOptions>) {
  const { server, took } = met(options)
  server.handle({ type: 'exchange', node: B, names: [], tag: 1 })
  server.exchanged(B, 1, [], [])
  server.handle(resolved([]))
  server.locks.del({ resource: atom('global'), requester: 'both' }, LOCKER)
  took()
  return { server, took }
}

for (const order of ['first', 'second'] as const) {
  test(`a node that is up is met, and its message may come ${order}`, async (t) => {
    const { server, took } = recorded()
    if (order === 'first') server.handle(initConnect())
    t.same(took(), [])
    server.nodeUp(B)
    if (order === 'second') server.handle(initConnect())
    t.same(took(), [
      `cast b@b {:init_connect, {8, 1}, :a@a, {:locker, :no_longer_a_pid, %{}, ${inspect(new Pid(A, 9, 0, 9))}}}`,
      'locker add b@b [1, -77]',
      'send b@b {:init_connect_ack, :a@a, -77, 1}',
    ])
    server.handle({ type: 'init_connect_ack', node: B, ours: 1, theirs: THEIR_TAG })
    t.same(took(), [], 'the peer means the same attempt')
  })
}

test('names are exchanged under the lock, and each side changes what the other settled', async (t) => {
  const { server, took } = met()
  t.same(took(), ['cast b@b {:exchange, :a@a, [], [], -77}'])
  server.handle({ type: 'exchange', node: B, names: [record('n', THEIRS)], tag: 1 })
  t.same(took(), ['settle b@b [1, ["n"]]'])
  server.exchanged(B, 1, [insert('n', THEIRS)], [])
  t.same(took(), ['cast b@b {:resolved, :a@a, [], [], :unused, [], -77}'])
  server.handle(resolved([insert('m', OURS)], [C]))
  t.same(took(), ['introduce c@c', 'locker cancel b@b 1', 'locker known b@b,c@c'])
  t.same(server.names.names(), ['n', 'm'])
  t.same(server.peers.known(), [B, C])
  t.same([...server.peers.synced], [B])
})

test('the outcome of the peer may come before ours, and its names before the lock', async (t) => {
  const { server, took } = recorded()
  server.nodeUp(B)
  server.handle(initConnect())
  server.locks.set({ resource: atom('global'), requester: 'both' }, LOCKER)
  server.handle({ type: 'exchange', node: B, names: [record('n', THEIRS)], tag: 1 })
  took()
  server.lockIsSet(B, 1, 'both')
  t.match(took(), ['cast b@b {:exchange, :a@a, [], [], -77}', 'settle b@b [1, ["n"]]'])
  server.handle(resolved([]))
  t.same(took(), [])
  server.exchanged(B, 1, [insert('n', THEIRS)], [])
  t.same(server.names.names(), ['n'])
  t.ok(server.peers.isKnown(B))
})

test('known nodes hear of those that come, and take their names under the same lock only', async (t) => {
  const { server, took } = synced()
  server.handle({
    type: 'new_nodes',
    node: B,
    changes: [insert('late', THEIRS)],
    external: [],
    nodes: [{ node: C, version: 8 }],
    lock: 'both',
  })
  t.same(took(), ['introduce c@c', 'locker known c@c'])
  t.same(server.names.names(), ['late'], 'without a lock there is nothing against it')
  server.locks.set({ resource: atom('global'), requester: 'others' }, THEIRS)
  server.handle({
    type: 'new_nodes',
    node: B,
    changes: [insert('x', THEIRS)],
    external: [],
    nodes: [],
    lock: 'both',
  })
  t.same(server.names.names(), ['late'])
  server.introduced(C)
  t.same(took(), ['locker known ', 'cast c@c {:in_sync, :a@a, true}'])
  server.handle({ type: 'in_sync', node: C })
  t.same([...server.peers.synced], [B, C])
})

test('messages of an attempt that is over change nothing', async (t) => {
  const { server, took } = met()
  took()
  server.handle({ type: 'exchange', node: B, names: [], tag: 99 })
  server.handle(resolved([insert('n', THEIRS)], [], 99))
  server.exchanged(B, 99, [], [])
  server.lockIsSet(B, 99, 'both')
  server.handle({ type: 'lock_set', locker: LOCKER, isSet: true, tag: 99 })
  server.handle({ type: 'cancel_connect', node: B, tag: 99 })
  t.same(took(), Array(4).fill('locker cancel b@b 99'))
  server.handle({ type: 'lock_set', locker: LOCKER, isSet: true, tag: 1 })
  t.same(took(), ['locker lock_set b@b true'])
})

test('a peer that begins anew is followed', async (t) => {
  const { server, took } = met()
  took()
  server.handle(initConnect(-78n))
  t.match(took(), [
    'send b@b {:cancel_connect, :a@a, -78}',
    'locker cancel b@b 1',
    'send b@b {:cancel_connect, :a@a, -77}',
    /^cast b@b {:init_connect, {8, 2}/,
  ])
  server.handle(initConnect(-79n))
  t.match(took(), ['locker add b@b [2, -79]', 'send b@b {:init_connect_ack, :a@a, -79, 2}'])
  server.handle({ type: 'cancel_connect', node: B, tag: 2 })
  t.match(took(), ['locker cancel b@b 2', 'send b@b {:cancel_connect, :a@a, -79}', /{8, 3}/])
})

test('an attempt that begins anew takes no names away that came another way', async (t) => {
  const { server } = synced()
  server.nodeUp(C)
  const [locker, pid] = [new Pid(C, 1, 0, 9), new Pid(C, 2, 0, 9)]
  server.handle({ type: 'init_connect', node: C, version: 8, tag: 5, locker })
  const nodes = [{ node: C, version: 8 }]
  server.handle({
    type: 'new_nodes',
    node: B,
    changes: [insert('n', pid)],
    external: [],
    nodes,
    lock: undefined,
  })
  server.handle({ type: 'init_connect', node: C, version: 8, tag: 6, locker })
  t.equal(server.names.get('n')?.pid, pid)
})

test('a wrong acknowledgement begins anew', async (t) => {
  const { server, took } = recorded()
  server.nodeUp(B)
  server.handle(initConnect())
  took()
  server.handle({ type: 'init_connect_ack', node: B, ours: 5, theirs: THEIR_TAG })
  t.match(took(), [
    'send b@b {:cancel_connect, :a@a, -77}',
    'locker cancel b@b 1',
    /cancel_connect/,
    /{8, 2}/,
  ])
})

test('a loss is told to the others, once the node was known', async (t) => {
  const { server, took } = synced()
  server.handle({
    type: 'new_nodes',
    node: B,
    changes: [],
    external: [],
    nodes: [{ node: C, version: 8 }],
    lock: undefined,
  })
  took()
  server.nodeDown(C)
  t.same(took(), ['locker unknown c@c', 'send b@b {:lost_connection, :a@a, 42, 1, :c@c}'])
  t.same(server.peers.known(), [B])
})

test('what others lost is passed on once, and the node is left', async (t) => {
  const { server, took } = synced()
  server.handle({
    type: 'new_nodes',
    node: B,
    changes: [],
    external: [],
    nodes: [{ node: C, version: 8 }],
    lock: undefined,
  })
  took()
  const lost = { type: 'lost_connection', node: B, creation: 1, operation: 1, lost: C } as const
  server.handle(lost)
  t.same(took(), [
    'send c@c {:lost_connection, :b@b, 1, 1, :c@c}',
    'send c@c {:remove_connection, :a@a}',
    'locker unknown c@c',
  ])
  server.handle(lost)
  t.same(took(), [])
  server.nodeDown(C)
  t.same(took(), ['locker unknown c@c'], 'we wanted that: nobody need hear of it')
  server.handle({ ...lost, operation: 2, lost: A })
  t.match(took(), ['send b@b {:remove_connection, :a@a}', 'locker unknown b@b'], 'it lost us: we leave it')
})

test('a node that leaves us is disconnected, a stranger not', async (t) => {
  const { server, took } = synced()
  server.handle({ type: 'remove_connection', node: C })
  t.same(took(), [])
  server.handle({ type: 'remove_connection', node: B })
  t.same(took(), ['locker unknown b@b', 'disconnect b@b'])
})

test('all nodes are left in order: nobody is told of a loss', async (t) => {
  const { server, took } = synced()
  t.same(server.disconnect(), [B])
  t.same(took(), ['locker unknown b@b', 'leave b@b'])
  server.nodeDown(B)
  t.same(took(), ['locker unknown b@b'])
})

test('without the rule against overlapping partitions nothing is told and nobody left', async (t) => {
  const { server, took } = synced({ preventOverlappingPartitions: false })
  server.handle({ type: 'lost_connection', node: B, creation: 1, operation: 1, lost: C })
  t.same(took(), [])
  server.nodeDown(B)
  t.same(took(), ['locker unknown b@b'])
})

test('with connectAll false nobody is met', async (t) => {
  const { server, took } = recorded({ connectAll: false })
  server.nodeUp(B)
  server.handle(initConnect())
  t.same(took(), [])
  t.same(server.peers.known(), [])
})

test('who waits for nodes to be in sync hears of it, also when they are gone', async (t) => {
  const { server } = recorded()
  const done: string[] = []
  server.nodeUp(B)
  server.sync([A], () => void done.push('self'))
  t.same(done, ['self'])
  server.sync([B, C], () => void done.push('both'))
  server.handle({ type: 'in_sync', node: B })
  t.same(done, ['self'])
  server.notReached(C)
  t.same(done, ['self', 'both'])
  server.sync([C], () => void done.push('gone'))
  server.nodeDown(C)
  t.same(done, ['self', 'both', 'gone'])
})

test('a node of an older version is not spoken with', async (t) => {
  const { server, took } = recorded()
  server.nodeUp(B)
  took()
  server.handle({ ...initConnect(), version: 5 })
  t.same(took(), [])
})

import { test } from 'tap'
import {
  atom,
  decode,
  type Encodable,
  EXACT,
  ExportFun,
  encode,
  float,
  inspect,
  Pid,
  Reference,
  type Term,
  tuple,
} from '../../src/etf/index.ts'
import * as protocol from '../../src/services/global/protocol.ts'
import * as requests from '../../src/services/global/requests.ts'

const [A, B] = [atom('a@a'), atom('b@b')]
const PID = new Pid(A, 1, 0, 9)
const METHOD = new ExportFun(atom('global'), atom('random_exit_name'), 3)
const RECORD = { name: tuple('n', float(1)) as Term, pid: PID, method: METHOD as Term }
const BIG = -(2n ** 60n)

/** Through bytes and back, as the peer gets it. */
function sent(message: Encodable): Term {
  return decode(encode(message), EXACT)
}

test('what we send is what OTP sends, and is read as it was meant', async (t) => {
  const cast = (message: Encodable, text: string, meaning: object): void => {
    t.equal(inspect(sent(message)), text)
    t.match(protocol.parseCast(sent(message)), meaning)
  }
  const plain = (message: Encodable, text: string, meaning: object): void => {
    t.equal(inspect(sent(message)), text)
    t.match(protocol.parseMessage(sent(message)), meaning)
  }
  cast(
    protocol.encodeInitConnect(A, 7, PID),
    '{:init_connect, {8, 7}, :a@a, {:locker, :no_longer_a_pid, %{}, #PID<9.1.0>}}'.replace(
      '#PID<9.1.0>',
      inspect(PID),
    ),
    { type: 'init_connect', node: A, version: 8, tag: 7, locker: PID },
  )
  cast(protocol.encodeLockSet(PID, true, [B], BIG), `{:lock_set, ${inspect(PID)}, true, [:b@b], ${BIG}}`, {
    type: 'lock_set',
    locker: PID,
    isSet: true,
    tag: BIG,
  })
  const record = `{{"n", 1.0}, ${inspect(PID)}, &:global.random_exit_name/3}`
  cast(protocol.encodeExchange(A, [RECORD], 7), `{:exchange, :a@a, [${record}], [], 7}`, {
    type: 'exchange',
    node: A,
    names: [RECORD],
    tag: 7,
  })
  const changes = [
    { type: 'insert' as const, record: RECORD },
    { type: 'delete' as const, name: 'x' },
  ]
  const ops = `[insert: ${record}, delete: "x"]`
  const known = [{ node: B, version: 8 }]
  const external = [{ name: 'ext', pid: PID, node: B }]
  cast(
    protocol.encodeResolved(A, changes, known, external, 7),
    `{:resolved, :a@a, ${ops}, [b@b: 8], :unused, [{"ext", ${inspect(PID)}, :b@b}], 7}`.replace(
      '[b@b: 8]',
      inspect(sent([tuple(B, 8)])),
    ),
    { type: 'resolved', node: A, changes, known, external, tag: 7 },
  )
  const lock: Term = [PID, PID]
  cast(
    protocol.encodeNewNodes(A, changes, external, known, lock),
    `{:new_nodes, :a@a, ${ops}, [{"ext", ${inspect(PID)}, :b@b}], ${inspect(sent([tuple(B, 8)]))}, [vsn: 8, lock: {:global, ${inspect(lock)}}]}`,
    { type: 'new_nodes', node: A, changes, external, nodes: known, lock },
  )
  cast(protocol.encodeInSync(A), '{:in_sync, :a@a, true}', { type: 'in_sync', node: A })
  plain(protocol.encodeInitConnectAck(A, BIG, 7), `{:init_connect_ack, :a@a, ${BIG}, 7}`, {
    type: 'init_connect_ack',
    ours: BIG,
    theirs: 7,
  })
  plain(protocol.encodeCancelConnect(A, 7), '{:cancel_connect, :a@a, 7}', { type: 'cancel_connect', tag: 7 })
  plain(protocol.encodeLostConnection(A, BIG, 3, B), `{:lost_connection, :a@a, ${BIG}, 3, :b@b}`, {
    type: 'lost_connection',
    node: A,
    creation: BIG,
    operation: 3,
    lost: B,
  })
  plain(protocol.encodeRemoveConnection(A), '{:remove_connection, :a@a}', {
    type: 'remove_connection',
    node: A,
  })
})

test('variants of newer and older releases are read', async (t) => {
  const locker = tuple(atom('locker'), PID, new Map([[B, 8]]), PID)
  const newer = tuple(atom('init_connect'), tuple(9, 7, atom('more')), A, locker)
  t.match(protocol.parseCast(sent(newer)), { version: 9, tag: 7, locker: PID })
  t.same(protocol.parseNodes([A, tuple(B, 8)] as Term), [
    { node: A, version: 0 },
    { node: B, version: 8 },
  ])
  t.equal(protocol.refusingLocker(sent(protocol.encodeLockRefusal(PID, [B])))?.key, PID.key)
  const from = tuple(PID, new Reference(A, 9, [1, 2, 3]))
  t.match(protocol.parseMessage(sent(tuple(atom('whereis'), null, from))), { type: 'whereis', name: null })
})

test('what is malformed is nothing', async (t) => {
  const whole = [
    protocol.encodeInitConnect(A, 7, PID),
    protocol.encodeLockSet(PID, true, [], 7),
    protocol.encodeExchange(A, [RECORD], 7),
    protocol.encodeResolved(A, [{ type: 'delete', name: 1 }], [{ node: B, version: 8 }], [], 7),
    protocol.encodeNewNodes(A, [], [], [{ node: B, version: 8 }], undefined),
    protocol.encodeInSync(A),
    protocol.encodeInitConnectAck(A, 1, 2),
    protocol.encodeCancelConnect(A, 7),
    protocol.encodeLostConnection(A, 1, 2, B),
    protocol.encodeRemoveConnection(A),
  ].map((message) => [...(sent(message) as Iterable<Term>)])
  const parse = (elements: readonly Term[]): unknown => {
    const message = tuple(...elements) as Term
    return protocol.parseCast(message) ?? protocol.parseMessage(message)
  }
  // What may be anything: the map of init_connect, what in_sync says, unused lists.
  const free = new Set(['in_sync 2', 'lock_set 3', 'exchange 3', 'resolved 4', 'new_nodes 5'])
  for (const elements of whole) {
    t.ok(parse(elements), inspect(elements[0]))
    t.notOk(parse([...elements, 1]), 'one more element')
    t.notOk(parse(elements.slice(0, -1)), 'one less')
    for (let i = 1; i < elements.length; i++) {
      if (free.has(`${elements[0]} ${i}`)) continue
      t.notOk(parse(elements.with(i, 'nonsense')), `${elements[0]} ${i}`)
    }
  }
  for (const junk of [null, 1, 'x', [], tuple(), tuple(atom('whereis'), 1, 2)]) {
    t.notOk(protocol.parseCast(junk as Term) ?? protocol.parseMessage(junk as Term))
  }
})

test('calls are read', async (t) => {
  const id = { resource: tuple(1, 2) as Term, requester: 'me' }
  t.same(requests.parseRequest(sent(requests.setLock(id))), { type: 'set_lock', id })
  t.same(requests.parseRequest(sent(requests.delLock(id))), { type: 'del_lock', id })
  t.match(requests.parseRequest(sent(requests.register(null, PID, METHOD))), { type: 'register', name: null })
  t.same(requests.parseRequest(sent(requests.unregister('n'))), { type: 'unregister', name: 'n' })
  t.match(requests.parseRequest(sent(tuple(atom('register_ext'), 'n', PID, METHOD, B))), { node: B })
  t.same(requests.parseRequest(sent(tuple(atom('sync'), [A, B]))), { type: 'sync', nodes: [A, B] })
  t.same(requests.parseRequest(atom('get_known')), { type: 'get_known' })
  for (const junk of [
    1,
    atom('stop'),
    tuple(atom('set_lock'), 1),
    tuple(atom('set_lock'), tuple(1)),
    tuple(atom('register'), 'n', 1, METHOD),
    tuple(atom('register_ext'), 'n', PID, METHOD, 1),
    tuple(atom('sync'), [1]),
    tuple(atom('sync'), A),
    tuple(atom('unregister')),
  ]) {
    t.equal(requests.parseRequest(junk as Term), undefined, inspect(junk))
  }
})

import { test } from 'tap'
import type { Logger } from '../../src/core/index.ts'
import { type Atom, atom, ExportFun, float, Pid, Reference, type Term, tuple } from '../../src/etf/index.ts'
import type { Runtime } from '../../src/runtime/index.ts'
import { type ConflictsOptions, settleConflicts } from '../../src/services/global/conflicts.ts'
import { longestPause } from '../../src/services/global/lock-calls.ts'
import { patienceOf } from '../../src/services/global/locker.ts'
import { LockTable } from '../../src/services/global/locks.ts'
import { LostConnections } from '../../src/services/global/lost-connections.ts'
import { NameTable } from '../../src/services/global/names.ts'
import { bossOf, Peers } from '../../src/services/global/peers.ts'
import { GLOBAL, type NameRecord } from '../../src/services/global/protocol.ts'
import { type ResolveFunction, Resolvers } from '../../src/services/global/resolvers.ts'
import { Watches } from '../../src/services/global/watches.ts'
import { FunctionTable } from '../../src/services/rpc/exposed.ts'

const [A, B, C] = [atom('a@a'), atom('b@b'), atom('c@c')]
const METHOD = new ExportFun(atom('global'), atom('random_exit_name'), 3)
const [ONE, OTHER, AWAY] = [new Pid(A, 1, 0, 9), new Pid(A, 2, 0, 9), new Pid(B, 3, 0, 9)]

/** Tables whose processes end when the test says so. */
function tables() {
  const watched = new Map<string, Reference[]>()
  let refs = 0
  const watches = new Watches({
    monitor: (pid) => {
      const ref = new Reference(A, 9, [++refs, 0, 0])
      watched.set(pid.key, [...(watched.get(pid.key) ?? []), ref])
      return ref
    },
    demonitor: () => {},
  })
  const end = (pid: Pid): void => {
    for (const ref of watched.get(pid.key) ?? []) watches.down(ref)
  }
  return { watches, end, locks: new LockTable(watches), names: new NameTable(watches) }
}

test('a lock belongs to one requester and is free when its last holder is gone', async (t) => {
  const { end, locks, watches } = tables()
  const id = { resource: tuple(atom('r'), 1), requester: 'me' }
  t.ok(locks.set(id, ONE))
  t.ok(locks.set(id, ONE), 'asked again')
  t.ok(locks.set({ resource: tuple(atom('r'), 1), requester: 'me' }, AWAY), 'equal terms are one lock')
  t.notOk(locks.set({ ...id, requester: 'you' }, OTHER))
  t.ok(
    locks.set({ resource: tuple(atom('r'), float(1)), requester: 'you' }, OTHER),
    '1.0 is another resource',
  )
  locks.del({ ...id, requester: 'you' }, ONE)
  locks.del(id, OTHER)
  t.ok(locks.isSet(id.resource), 'those who do not hold it cannot give it back')
  locks.del(id, ONE)
  t.ok(locks.isSet(id.resource))
  end(AWAY)
  t.notOk(locks.isSet(id.resource))
  end(OTHER)
  t.equal(watches.size, 0)
})

test('names change only under the lock that is set', async (t) => {
  const { end, locks } = tables()
  t.ok(locks.allowsChange(ONE), 'without a lock')
  locks.set({ resource: GLOBAL, requester: 'me' }, ONE)
  t.ok(locks.allowsChange(ONE))
  t.notOk(locks.allowsChange(OTHER))
  t.ok(locks.allowsChange({ requester: 'me' }))
  t.notOk(locks.allowsChange({ requester: 'you' }))
  t.notOk(locks.allowsChange({ requester: undefined }))
  end(ONE)
  t.ok(locks.lostGlobal)
  t.notOk(locks.allowsChange(ONE), 'whoever held the lock died')
  locks.set({ resource: GLOBAL, requester: 'me' }, OTHER)
  locks.del({ resource: GLOBAL, requester: 'me' }, OTHER)
  t.ok(locks.allowsChange(ONE))
})

test('a name ends with its process, and may move to another', async (t) => {
  const { end, names, watches } = tables()
  names.insert({ name: 1, pid: ONE, method: METHOD })
  names.insert({ name: float(1), pid: AWAY, method: METHOD }, B)
  t.equal(names.get(1)?.pid, ONE)
  t.equal(names.get(float(1))?.pid, AWAY)
  t.same(names.external(), [{ name: float(1), pid: AWAY, node: B }])
  names.insert({ name: 1, pid: OTHER, method: METHOD })
  t.same(names.namesOf(ONE), [])
  t.same(names.namesOf(OTHER), [1])
  end(ONE)
  t.equal(names.get(1)?.pid, OTHER, 'the end of an earlier holder is nothing any more')
  end(OTHER)
  t.equal(names.get(1), undefined)
  end(AWAY)
  t.same(names.names(), [])
  t.equal(watches.size, 0)
})

test('the boss is the greatest node in the order of atoms', async (t) => {
  t.equal(bossOf([A, C, B]), C)
  t.equal(bossOf([atom('ä@a'), atom('z@a')]), atom('ä@a'), 'by bytes, not by language')
  t.equal(bossOf([]), undefined)
})

test('known nodes are kept with the version that was heard first', async (t) => {
  const peers = new Peers()
  t.same(
    peers.addKnown(
      [
        { node: A, version: 8 },
        { node: B, version: 8 },
      ],
      A,
    ),
    [B],
    'not this node itself',
  )
  t.same(
    peers.addKnown(
      [
        { node: B, version: 9 },
        { node: C, version: 8 },
      ],
      A,
    ),
    [C],
  )
  t.equal(peers.versionOf(B), 8)
  peers.setPending(atom('d@d'), 8)
  t.same(peers.potentiallyKnown(), [B, C, atom('d@d')])
  peers.removeKnown(B)
  t.notOk(peers.isPotentiallyKnown(B))
  peers.startRemoving(B)
  t.ok(peers.endRemoving(B))
  t.notOk(peers.endRemoving(B), 'once')
  peers.startRemoving(B)
  peers.setConnected(B)
  t.notOk(peers.endRemoving(B), 'the wish was about the connection before')
})

test('what a peer makes up does not fill the memory', async (t) => {
  const peers = new Peers()
  const early = { version: 8, tag: 1, locker: AWAY }
  const made = (i: number): Atom => atom(`made_up${i}@b`)
  for (let i = 0; i <= 10_000; i++) peers.keepEarly(made(i), early)
  t.equal(peers.takeEarly(made(0)), undefined, 'the oldest is forgotten')
  t.equal(peers.takeEarly(made(1)), early)
  t.equal(peers.takeEarly(made(10_000)), early)
  peers.keepEarly(B, early)
  peers.resetMeeting(B)
  t.equal(peers.takeEarly(B), undefined)
  const lost = new LostConnections()
  for (let i = 0; i <= 100_000; i++) lost.add(A, made(i % 400), i, 1, 0)
  t.equal(lost.size, 400)
  for (let i = 0; i < 400 * 400; i++) lost.add(made(i % 400), made(Math.floor(i / 400)), 1, 1, 0)
  t.equal(lost.size, 100_000)
})

test('a function that resolves conflicts is kept as long as its name', async (t) => {
  const { watches, end } = tables()
  const functions = new FunctionTable()
  const resolvers = new Resolvers({ functions, runtime: {} as Runtime, logger: {} as Logger })
  const names = new NameTable(watches, (name) => resolvers.forget(name))
  const register = (name: Term, pid: Pid, resolver: ResolveFunction): void => {
    names.insert({ name, pid, method: resolvers.encode(resolver) })
    resolvers.keep(name, resolver)
  }
  const resolve = (name: Term) =>
    resolvers.run(
      resolvers.encode(() => null),
      name,
      ONE,
      AWAY,
    )
  for (let i = 0; i < 100; i++) register('n', ONE, async () => (i === 99 ? OTHER : AWAY))
  register('m', ONE, () => null)
  t.equal(resolvers.kept, 2)
  t.equal(await resolve('n'), OTHER, 'the last one counts')
  t.equal(await resolve('m'), atom('none'))
  names.insert({ name: 'n', pid: ONE, method: resolvers.encode(() => null) })
  t.equal(await resolve('n'), OTHER, 'an exchange that keeps the name keeps its function')
  t.match(await resolve('other'), tuple(atom('EXIT'), tuple(atom('undef'), [])), 'of a name that is not ours')
  names.insert({ name: 'n', pid: AWAY, method: METHOD })
  end(ONE)
  t.equal(resolvers.kept, 0)
})

test('a lost connection is news once for each operation and incarnation', async (t) => {
  const lost = new LostConnections()
  t.ok(lost.add(A, B, 1, 5, 0))
  t.notOk(lost.add(A, B, 1, 5, 0))
  t.notOk(lost.add(A, B, 1, 4, 0), 'older')
  t.ok(lost.add(A, B, 1, 6n, 0))
  t.ok(lost.add(B, A, 1, 1, 0), 'the other way round')
  t.ok(lost.add(A, B, 2, 1, 0), 'it restarted')
  t.ok(lost.add(A, B, 2, 1, 2 * 60 * 60 * 1000), 'after an hour it is forgotten')
})

test('pauses and patience are those of the BEAM', async (t) => {
  t.same([0, 1, 2, 5, 6, 7, 50].map(longestPause), [125, 250, 500, 4000, 8000, 8000, 8000])
  t.equal(patienceOf(0, 0, true), undefined)
  t.equal(patienceOf(1, 0, false), 200)
  t.equal(patienceOf(1, 2, false), 1200)
  t.equal(patienceOf(1, 50, false), 3000)
  t.equal(patienceOf(1, 50, true), 0)
})

test('the node with the smaller name settles conflicts, and new names come in on both', async (t) => {
  const ours: NameRecord = { name: 'n', pid: ONE, method: METHOD }
  const their: NameRecord = { name: 'n', pid: AWAY, method: METHOD }
  const fresh: NameRecord = { name: 'new', pid: AWAY, method: METHOD }
  const logged: string[] = []
  const settle = (winner: () => Promise<Term>, self: Atom = A) => {
    const options: ConflictsOptions = {
      self,
      find: (name) => (name === 'n' ? ours : undefined),
      resolve: winner,
      log: (_fields, message) => void logged.push(message),
    }
    return settleConflicts(B, [their, fresh], options)
  }
  const insert = (record: NameRecord) => ({ type: 'insert' as const, record })
  const gone = { type: 'delete' as const, name: 'n' }
  t.same(await settle(async () => AWAY), { here: [insert(their), insert(fresh)], there: [] })
  t.same(await settle(async () => ONE), { here: [insert(fresh)], there: [insert(ours)] })
  t.same(await settle(async () => atom('none')), { here: [gone, insert(fresh)], there: [gone] })
  t.same(logged, [])
  t.same(await settle(async () => 'nonsense'), { here: [gone, insert(fresh)], there: [gone] })
  t.match(logged.pop(), /gave neither/)
  t.same(await settle(() => Promise.reject(new Error('down'))), {
    here: [insert(their), insert(fresh)],
    there: [],
  })
  t.match(logged.pop(), /cannot ask/)
  t.same(await settle(async () => t.fail('the other one decides'), C), { here: [insert(fresh)], there: [] })
})

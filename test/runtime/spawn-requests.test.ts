import { test } from 'tap'
import { atom, type Pid, Reference, type Term, tuple } from '../../src/etf/index.ts'
import type { Process } from '../../src/runtime/index.ts'
import { type Cluster, cluster, settled } from './runtimes.ts'

const BOOM = atom('boom')
const WHAT = { node: atom('b@test'), module: atom('m'), function: atom('f'), args: [1, 'x'] }

/** b runs `run` for every spawn request of a. */
function serve({ a, b }: Cluster, run: (self: Process, args: Term) => unknown): void {
  a.wire.onSpawnRequest = (request) => {
    b.runtime.serveSpawn(request, (self) => run(self, request.args))
  }
}

test('spawn_request starts a process there, with the group leader that was asked for', async (t) => {
  const nodes = cluster(t)
  const { a, b } = nodes
  let seen: unknown
  serve(nodes, (self, args) => {
    seen = [args, self.groupLeader]
    return self.receive()
  })
  const pid = await a.runtime.spawnOn(WHAT)
  await settled()
  t.ok(b.runtime.isAlive(pid))
  t.same(seen, [[1, 'x'], a.runtime.client.pid])
  t.match(b.runtime.processInfo(pid), { label: 'm.f', links: [], monitoredBy: [] })
})

test('with a monitor the exit reason is told, and the answer comes before the exit', async (t) => {
  const nodes = cluster(t)
  const { a, b } = nodes
  serve(nodes, (self) => self.exit(tuple(atom('result'), 5)))
  let reason: Term | undefined
  const pid = await a.runtime.spawnOn(WHAT, {
    onDown: (why) => {
      reason = why
    },
  })
  await settled()
  t.equal(pid.node, b.runtime.node)
  t.equal(String(reason), '{result, 5}')
  t.same(b.wire.sent, ['spawnReply', 'monitorExit'])
  t.same(a.runtime.pending(), { calls: 0, aliases: 0, remoteMonitors: 0, spawns: 0 })
})

test('with a link the requester gets the exit', async (t) => {
  const nodes = cluster(t)
  const messages: Term[] = []
  nodes.a.runtime.onMessage = (message) => messages.push(message)
  serve(nodes, (self) => self.exit(BOOM))
  const pid = await nodes.a.runtime.spawnOn(WHAT, { link: true })
  await settled()
  t.equal(String(messages), String([tuple(atom('EXIT'), pid, BOOM)]))
})

const OPTIONS: [string, Term, number | undefined][] = [
  ['nothing', [], 0],
  ['link', [atom('link')], 1],
  ['monitor', [atom('monitor')], 2],
  ['link and monitor', [atom('monitor'), atom('link')], 3],
  ['{monitor, Options}', [tuple(atom('monitor'), []) as Term], 2],
  [
    'memory options',
    [tuple(atom('priority'), atom('high')) as Term, tuple(atom('min_heap_size'), 5) as Term],
    0,
  ],
  ['an unknown option', [atom('link'), atom('colour')], undefined],
  ['{reply, _}', [tuple(atom('reply'), atom('yes')) as Term], undefined],
  ['no list', atom('link'), undefined],
]

for (const [name, options, flags] of OPTIONS) {
  test(`spawn options with ${name} are answered with ${flags === undefined ? 'badopt' : `flags ${flags}`}`, async (t) => {
    const { a, b } = cluster(t)
    const answers: unknown[] = []
    const client = a.runtime.client.pid
    a.runtime.sink.spawnReply = (_id, _to, got, result) => void answers.push([got, result])
    const pid = b.runtime.serveSpawn(
      {
        id: new Reference(a.runtime.node, 7, [9, 9, 9]),
        parent: client,
        groupLeader: client,
        module: atom('m'),
        function: atom('f'),
        args: [],
        options,
      },
      (self) => self.receive(),
    )
    await settled()
    if (flags === undefined) {
      t.equal(pid, undefined)
      t.same(answers, [[0, atom('badopt')]])
    } else {
      t.equal((answers[0] as [number])[0], flags)
      t.equal(b.runtime.processInfo(pid as Pid)?.links.length, flags & 1)
      t.equal(b.runtime.processInfo(pid as Pid)?.monitoredBy.length, flags >> 1)
    }
  })
}

test('a refused spawn rejects with the atom of the other node', async (t) => {
  const { a, b } = cluster(t)
  a.wire.onSpawnRequest = ({ id, parent }) => b.wire.spawnReply(id, parent, 0, atom('notsup'))
  await t.rejects(a.runtime.spawnOn(WHAT), { code: 'ERR_RUNTIME_SPAWN', reason: atom('notsup') })
})

test('a spawn request whose node is lost rejects with noconnection', async (t) => {
  const { a, cut } = cluster(t)
  const spawning = a.runtime.spawnOn(WHAT)
  await settled()
  cut()
  await t.rejects(spawning, { code: 'ERR_RUNTIME_SPAWN', reason: atom('noconnection') })
  t.equal(a.runtime.pending().spawns, 0)
})

test('a callback that throws when the spawned process ends is logged, and harms nobody', async (t) => {
  const nodes = cluster(t)
  const { a, b } = nodes
  serve(nodes, (self) => self.receive())
  const pid = await a.runtime.spawnOn(WHAT, {
    onDown: () => {
      throw new Error('a bug of the caller')
    },
  })
  await settled()
  t.doesNotThrow(() =>
    a.runtime.sink.monitorExit(pid, a.runtime.client.pid, new Reference(a.runtime.node, 7, [1, 0, 0]), BOOM),
  )
  t.equal(a.log.filter(({ level }) => level === 'error').length, 1)
  t.equal(a.runtime.pending().remoteMonitors, 0)
  b.runtime.exit(pid, BOOM)
  await settled()
})

/** The test kit as its users have it: clusters, probes, patterns. */
import { test } from 'tap'
import { atom, GenServer, type Pid, reply, type Term, tuple } from '../../src/index.ts'
import { any, assertReceive, matches, refuteReceive, TestCluster } from '../../src/testing/index.ts'

class Echo extends GenServer<null> {
  override init() {
    return null
  }
  override handleCall(request: Term) {
    return reply(request, null)
  }
}

test('nodes connect, are cut off, split, healed and killed, on a clock turned by hand', async (t) => {
  await using cluster = new TestCluster({ delay: 5 })
  const [a, b, _c] = await cluster.start('a', 'b', 'c')
  t.same(a.nodes().map(String).sort(), ['b@b', 'c@c'])
  const pid = await cluster.during(b.startLink(Echo, undefined, { name: 'echo' }))
  const before = cluster.clock?.now() ?? 0
  t.equal(await cluster.during(a.call(['echo', 'b@b'], 'hi')), 'hi')
  t.ok((cluster.clock?.now() ?? 0) - before >= 10, 'both ways took their time')

  const probe = cluster.probe(a)
  await cluster.settle()
  probe.monitor(pid)
  await cluster.settle()
  await cluster.split([a], ['b', 'c'])
  t.same(a.nodes(), [])
  t.same(b.nodes().map(String), ['c@c'])
  await assertReceive(probe, tuple(atom('DOWN'), any, atom('process'), pid, atom('noconnection')))
  await cluster.heal()
  t.same(a.nodes().map(String).sort(), ['b@b', 'c@c'])
  await cluster.kill('c')
  t.same(a.nodes().map(String), ['b@b'])
  t.throws(() => cluster.node('c'), { code: 'ERR_INVALID_OPTION', message: /name one of a, b/ })
  const again = await cluster.add('c')
  t.same(again.nodes().map(String).sort(), ['a@a', 'b@b'])
  await cluster.leave(b)
  t.same(a.nodes().map(String), ['c@c'])
  const alone = await cluster.add('d', { alone: true, hidden: true })
  t.same(alone.nodes('all'), [])
})

test('a cut that only the net tick notices takes its time, which passes at once', async (t) => {
  await using cluster = new TestCluster({ node: { netTicktime: 60 } })
  const [a, b] = await cluster.start('a', 'b')
  cluster.network.cut('a', 'b')
  await cluster.elapse(40_000)
  t.same(a.nodes(), [b.name])
  await cluster.elapse(50_000)
  t.same(a.nodes(), [])
})

test('assertReceive takes what fits and says what came instead; refuteReceive the other way round', async (t) => {
  await using cluster = new TestCluster()
  const [a] = await cluster.start('a')
  const probe = cluster.probe(a)
  a.send(probe.pid, tuple(atom('one'), 1))
  a.send(probe.pid, tuple(atom('two'), 2))
  t.same(await assertReceive(probe, tuple(atom('two'), any)), tuple(atom('two'), 2))
  const before = cluster.clock?.now() ?? 0
  await t.rejects(assertReceive(probe, atom('three'), { within: 500 }), {
    code: 'ERR_ASSERTION',
    message: 'no message that fits came within 500 ms; in the mailbox: {:one, 1}',
  })
  t.equal((cluster.clock?.now() ?? 0) - before, 500)
  await refuteReceive(probe, atom('three'))
  await t.rejects(refuteReceive(probe, tuple(atom('one'), any)), { message: /should not: \{:one, 1\}/ })
  probe.self.sendAfter(probe.pid, atom('later'), 700)
  await assertReceive(probe, atom('later'))
  t.same(probe.flush(), [tuple(atom('one'), 1)])
  probe.stop()
  await cluster.until(() => !a.runtime.isAlive(probe.pid))
})

test('the real clock works as well, and everything that is printed is in the log', async (t) => {
  await using cluster = new TestCluster({ clock: 'system' })
  const [a, b] = await cluster.start('a', 'b')
  const probe = cluster.probe(a)
  b.spawn(async (self, to: Pid) => {
    await self.io.puts('printed')
    self.send(to, 'sent')
  }, probe.pid)
  t.equal(await assertReceive(probe), 'sent')
  t.match(cluster.log, [{ node: 'b@b', message: 'printed\n' }])
  await refuteReceive(probe, any, { within: 20 })
  await cluster.stop()
  await cluster.stop()
  t.same(cluster.nodes, [])
})

test('patterns match as in Elixir', async (t) => {
  const map = new Map<Term, Term>([
    [atom('a'), 1],
    ['b', [1, 2]],
  ])
  for (const [pattern, term, expected] of [
    [any, null, true],
    [1, 1, true],
    [1, 2, false],
    [tuple(1, any), tuple(1, 2), true],
    [tuple(1, any), tuple(1, 2, 3), false],
    [[1, any], [1, 'x'], true],
    [tuple(1), [1], false],
    [{ a: 1 }, map, true],
    [{ c: any }, map, false],
    [new Map<unknown, unknown>([['b', [any, 2]]]), map, true],
    [(term: Term) => term === 'x', 'x', true],
    [tuple(atom('n'), (n: Term) => Number(n) > 5), tuple(atom('n'), 5), false],
  ] as [unknown, Term, boolean][]) {
    t.equal(matches(pattern, term), expected)
  }
})

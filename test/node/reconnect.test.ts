import { test } from 'tap'
import { silentLogger } from '../../src/core/index.ts'
import { pauseBefore, Reconnect } from '../../src/node/reconnect.ts'
import { FakeClock } from '../../src/testing/index.ts'
import { nodeEvents, TestNodes } from '../support/two-nodes.ts'

test('pauses double from half a second to fifteen seconds', async (t) => {
  const longest = [1, 2, 3, 4, 5, 6, 7, 50, 5000].map((attempt) => pauseBefore(attempt, 1))
  t.same(longest, [500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000, 15_000])
})

test('of each pause a random half is kept', async (t) => {
  t.equal(pauseBefore(1, 0), 250)
  t.equal(pauseBefore(1, 0.5), 375)
  t.equal(pauseBefore(1000, 0), 7500)
})

interface Harness {
  readonly reconnect: Reconnect
  readonly clock: FakeClock
  /** Every attempt, with its time. */
  readonly attempts: string[]
  /** The nodes that can be reached. */
  readonly reachable: Set<string>
  readonly warnings: string[]
}

function harness(targets: readonly string[], random = 1): Harness {
  const clock = new FakeClock()
  const attempts: string[] = []
  const reachable = new Set<string>()
  const warnings: string[] = []
  const reconnect = new Reconnect({
    targets,
    clock,
    logger: { ...silentLogger, warn: (_fields, message) => void warnings.push(message) },
    random: () => random,
    connect: async (target) => {
      attempts.push(`${target} ${clock.now()}`)
      if (!reachable.has(target)) throw new Error('nobody is there')
    },
  })
  return { reconnect, clock, attempts, reachable, warnings }
}

test('every target is tried once at start, each once however often it is named', async (t) => {
  const { reconnect, attempts, clock, reachable } = harness(['b', 'c', 'b'])
  reachable.add('b').add('c')
  await reconnect.start()
  t.same(attempts, ['b 0', 'c 0'])
  t.equal(clock.pending, 0)
})

test('a target that fails is tried again with growing pauses until it is there', async (t) => {
  const { reconnect, attempts, clock, reachable, warnings } = harness(['b'])
  await reconnect.start()
  await clock.elapse(1000 + 2000 + 4000 - 1)
  t.same(attempts, ['b 0', 'b 1000', 'b 3000'])
  reachable.add('b')
  await clock.elapse(1)
  t.same(attempts, ['b 0', 'b 1000', 'b 3000', 'b 7000'])
  t.equal(clock.pending, 0)
  t.equal(warnings.length, 1, 'the trouble is told once')
})

test('a lost target is tried again after a short pause, another node is not', async (t) => {
  const { reconnect, attempts, clock, reachable } = harness(['b'])
  reachable.add('b')
  await reconnect.start()
  await clock.elapse(20_000)
  reconnect.lost('stranger')
  t.equal(clock.pending, 0)
  reconnect.lost('b')
  await clock.elapse(500)
  t.same(attempts, ['b 0', 'b 20500'])
})

test('a target that is lost again and again is tried with growing pauses, one that stayed for a while is not', async (t) => {
  const { reconnect, attempts, clock, reachable } = harness(['b'])
  reachable.add('b')
  await reconnect.start()
  for (let loss = 0; loss < 4; loss++) {
    reconnect.lost('b')
    await clock.elapse(1000 * 2 ** loss)
  }
  t.same(attempts, ['b 0', 'b 1000', 'b 3000', 'b 7000', 'b 15000'])
  await clock.elapse(15_000)
  reconnect.lost('b')
  await clock.elapse(500)
  t.equal(attempts.at(-1), 'b 30500')
})

test('two losses in a row make one attempt', async (t) => {
  const { reconnect, attempts, clock, reachable } = harness(['b'])
  reachable.add('b')
  reconnect.lost('b')
  reconnect.lost('b')
  t.equal(clock.pending, 1)
  await clock.elapse(60_000)
  t.same(attempts, ['b 500'])
})

test('nothing happens after stop, not even when an attempt under way fails', async (t) => {
  const { reconnect, attempts, clock } = harness(['b'])
  reconnect.lost('b')
  reconnect.stop()
  t.equal(clock.pending, 0)
  const starting = reconnect.start()
  reconnect.stop()
  await starting
  reconnect.lost('b')
  t.equal(clock.pending, 0)
  t.same(attempts, ['b 0'])
})

test('a node joins the nodes of `connect` at start', async (t) => {
  const nodes = new TestNodes(t)
  const b = await nodes.start('b')
  const a = await nodes.start('a', { connect: ['b@b', 'a@a'] })
  t.same(a.nodes(), [b.name])
  t.same(nodes.complaints(), [])
})

test('a node that is not there yet is joined when it comes', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a', { connect: ['b@b'] })
  t.same(a.nodes(), [])
  t.match(nodes.complaints(), [/^cannot join yet: /])
  const b = await nodes.start('b')
  await nodes.elapse(60_000)
  t.same(a.nodes(), [b.name])
})

test('a node is joined again after a loss, also when it was away for long', async (t) => {
  const nodes = new TestNodes(t)
  const b = await nodes.start('b')
  const a = await nodes.start('a', { connect: ['b@b'] })
  const events = nodeEvents(a)
  nodes.network.reset('a', 'b')
  await nodes.elapse(1000)
  t.same(events, ['down b@b connection_closed', 'up b@b'])
  t.same(a.nodes(), [b.name])

  await nodes.during(b.stop())
  await nodes.elapse(120_000)
  t.same(a.nodes(), [])
  const again = await nodes.start('b')
  await nodes.elapse(30_000)
  t.same(a.nodes(), [again.name])
})

test('a node that this one disconnected from stays away', async (t) => {
  const nodes = new TestNodes(t)
  const b = await nodes.start('b')
  const a = await nodes.start('a', { connect: ['b@b'] })
  t.ok(a.disconnect(b.name))
  await nodes.elapse(60_000)
  t.same(a.nodes(), [])
  await nodes.join(a, b)
  nodes.network.reset('a', 'b')
  await nodes.elapse(1000)
  t.same(a.nodes(), [b.name], 'once it is connected again, a loss counts again')
})

test('a stopped node joins nobody any more', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a', { connect: ['b@b'] })
  await nodes.during(a.stop())
  const b = await nodes.start('b')
  await nodes.elapse(60_000)
  t.same(b.nodes(), [])
})

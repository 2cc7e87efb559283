import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { test } from 'tap'
import { atom } from '../../src/etf/index.ts'
import { type MetricsMeter, supervisorMetrics } from '../../src/telemetry/index.ts'
import { counterClass, supervise } from '../supervisor/distributed.ts'
import { MemoryCluster } from '../support/memory-cluster.ts'

/** A meter that adds up. */
function fakeMeter() {
  const sums = new Map<string, number>()
  const durations: number[] = []
  const add = (name: string, value: number, attributes: object = {}): void => {
    const key = `${name} ${Object.values(attributes).join(' ')}`
    sums.set(key, (sums.get(key) ?? 0) + value)
  }
  const meter: MetricsMeter = {
    createCounter: (name) => ({ add: (value, attributes) => add(name, value, attributes) }),
    createHistogram: (name) => ({
      record(value, attributes) {
        add(name, 1, attributes)
        durations.push(value)
      },
    }),
  }
  return { meter, sums, durations }
}

test('starts, restarts, moves, failures, lookups and calls are counted until the end', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b] = await cluster.start('a', 'b')
  const { meter, sums, durations } = fakeMeter()
  const end = supervisorMetrics(meter)
  t.teardown(end)
  const events: { action: string; name: unknown; pid: unknown }[] = []
  const listen = (event: unknown): void => void events.push(event as (typeof events)[number])
  subscribe('beamjoin:distributed:child', listen)
  t.teardown(() => unsubscribe('beamjoin:distributed:child', listen))
  const Counter = counterClass()
  const Lonely = class Lonely extends Counter {}
  const onA = await cluster.during(supervise(a, { modules: { Counter, Lonely } }))
  const onB = await cluster.during(supervise(b, { modules: { Counter } }))
  await cluster.settle()
  const { pid } = await cluster.during(onA.startChild([Counter, { name: 'x' }], a.name))
  t.match(events, [{ action: 'started', name: 'x', pid }])
  onA.cast('x', 'crash')
  onA.cast('x', atom('crash'))
  await cluster.until(() => events.length === 2)
  await cluster.settle()
  await cluster.during(onB.call('x', 'get'))
  await cluster.during(onB.call('nobody', 'get').catch(() => {}))
  await onB.whereis('nobody')
  await cluster.during(onA.startChild([Lonely, { name: 'y' }]))
  await cluster.during(onA.startChild([Counter, { name: 'z' }], b.name))
  await cluster.settle()
  await cluster.during(onB.drain())
  t.equal((await onA.whereis('z'))?.node, a.name)
  const again = await cluster.add('c')
  const onC = await cluster.during(supervise(again, { modules: { Counter } }))
  await cluster.settle()
  await cluster.kill(a)
  await cluster.until(() => onC.localChildren().length === 2)
  await cluster.clock.elapse(5_000)
  const actions = events.map(({ action, name }) => `${action} ${String(name)}`)
  t.same(actions.slice(0, 5), ['started x', 'restarted x', 'started y', 'started z', 'moved z'])
  t.same(new Set(actions.slice(5)), new Set(['restarted x', 'restarted z', 'failed y']))
  t.equal(sums.get('beamjoin.supervisor.children Elixir.DS moved'), 1)
  t.equal(sums.get('beamjoin.supervisor.children Elixir.DS restarted'), 3)
  t.equal(sums.get('beamjoin.supervisor.call.duration Elixir.DS ok'), 1)
  t.equal(sums.get('beamjoin.supervisor.call.duration Elixir.DS noproc'), 1)
  t.ok(durations.every((duration) => duration >= 0))
  t.ok((sums.get('beamjoin.supervisor.lookups Elixir.DS false') ?? 0) >= 1)
  end()
  sums.clear()
  await cluster.during(onC.call('x', 'get'))
  t.equal(sums.size, 0)
})

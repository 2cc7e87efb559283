import { test } from 'tap'
import { alias, atom, type Pid, type Term } from '../../src/etf/index.ts'
import { GenServer } from '../../src/runtime/index.ts'
import { DistributedSupervisor, Supervisor } from '../../src/supervisor/index.ts'
import { MemoryCluster } from '../support/memory-cluster.ts'
import { counterClass, supervise } from './distributed.ts'

const EXTRA = { name: 'DS', monitorNodes: true } as const

test('a DistributedSupervisor under a Supervisor is started again when it is killed, and works as before', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b] = await cluster.start('a', 'b')
  const Counter = counterClass()
  const modules = { Counter }
  const spec = DistributedSupervisor.childSpec(a, { ...EXTRA, modules })
  const supervisor = await cluster.during(Supervisor.startLink(a, [spec]))
  const onA = DistributedSupervisor.at(a, 'DS')
  const onB = await cluster.during(supervise(b, { modules }))
  await cluster.settle()
  const { pid } = await cluster.during(onA.startChild([Counter, { name: 'x', start: 3 }], a.name))
  await cluster.settle()
  t.same(await onB.whereis('x'), pid)
  const [row] = await cluster.during(supervisor.whichChildren())
  t.same(row?.id, alias('DistributedSupervisor'))
  t.equal(row?.type, 'supervisor')

  const first = a.whereis('Elixir.DS') as Pid
  a.exit(first, atom('kill'))
  await cluster.until(() => {
    const now = a.whereis('Elixir.DS')
    return now !== undefined && !now.equals(first)
  })
  await cluster.settle()
  t.equal(a.runtime.isAlive(pid), false, 'its children went with it')
  t.equal((await onB.children()).size, 0)
  const again = await cluster.during(onB.startChild([Counter, { name: 'x' }], a.name))
  await cluster.settle()
  t.same(await onA.whereis('x'), again.pid)
  t.same(onA.localChildren(), [again.pid])
  t.equal(await cluster.during(onA.call('x', 'get')), 0)
  await cluster.kill(a)
  await cluster.until(() => onB.localChildren().length === 1)
  await cluster.clock.elapse(5_000)
  t.same([...(await onB.children()).keys()], ['x'], 'and is seen to once')
})

test('what was killed with the supervisor does not come back when its node dies', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b] = await cluster.start('a', 'b')
  const Counter = counterClass()
  const onA = await cluster.during(supervise(a, { modules: { Counter } }))
  const onB = await cluster.during(supervise(b, { modules: { Counter } }))
  await cluster.settle()
  await cluster.during(onA.startChild([Counter, { name: 'x' }], a.name))
  await cluster.settle()
  a.exit(a.whereis('Elixir.DS') as Pid, atom('kill'))
  await cluster.settle()
  await cluster.kill(a)
  await cluster.clock.elapse(5_000)
  t.equal((await onB.children()).size, 0)
})

test('it ends before what was started before it, after its children have', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a] = await cluster.start('a')
  const ended: string[] = []
  class Named extends GenServer<string> {
    override init(options: unknown): string {
      this.self.trapExit = true
      return (options as { label: string }).label
    }

    override terminate(_reason: Term, label: string): void {
      ended.push(label)
    }
  }
  const supervisor = await cluster.during(
    Supervisor.startLink(a, [
      { id: 'before', start: [Named, { label: 'before' }] },
      DistributedSupervisor.childSpec(a, { ...EXTRA, modules: { Named } }),
      { id: 'after', start: [Named, { label: 'after' }] },
    ]),
  )
  const ds = DistributedSupervisor.at(a, 'DS')
  await cluster.during(ds.startChild([Named, { name: 'x', label: 'child' }]))
  await cluster.during(supervisor.stop())
  t.same(ended, ['after', 'child', 'before'])
  await cluster.settle()
  t.equal(a.whereis('Elixir.DS.Registry'), undefined)
  t.equal(a.whereis('Elixir.DS.Scope'), undefined)
})

test('a handle of a supervisor that was never started says so', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a] = await cluster.start('a')
  const ds = DistributedSupervisor.at(a, 'DS')
  t.throws(() => ds.nodes(), { code: 'ERR_SUPERVISOR_NOT_RUNNING' })
  await t.rejects(ds.startChild([counterClass()]), { code: 'ERR_SUPERVISOR_NOT_RUNNING' })
  await ds.stop()
  t.throws(() => DistributedSupervisor.childSpec(a, { name: '' }), { name: 'OptionError' })
})

import { test } from 'tap'
import { atom } from '../../src/etf/index.ts'
import { GenServer, noreply } from '../../src/runtime/index.ts'
import { MemoryCluster } from '../support/memory-cluster.ts'
import { supervise } from './distributed.ts'

test('a child that crashes all the time ends for good on its node and wanders to no other', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b] = await cluster.start('a', 'b')
  const starts: string[] = []
  class Crashing extends GenServer<null> {
    override init() {
      starts.push(this.pid.node.name)
      this.self.send(this.pid, atom('crash'))
      return null
    }

    override handleInfo(): never {
      throw new Error('again')
    }
  }
  class Calm extends GenServer<null> {
    override init() {
      return null
    }

    override handleInfo() {
      return noreply(null)
    }
  }
  const options = { modules: { Crashing, Calm }, maxRestarts: 5, maxSeconds: 10 }
  const onA = await cluster.during(supervise(a, options))
  const onB = await cluster.during(supervise(b, options))
  await cluster.settle()
  await cluster.during(onA.startChild([Crashing, { name: 'x' }], a.name))
  await cluster.clock.elapse(30_000)
  t.same(new Set(starts), new Set([a.name.name]))
  t.equal(starts.length, 6, 'the start, and the restarts that are allowed')
  t.equal((await onB.children()).size, 0)
  const { pid } = await cluster.during(onB.startChild([Calm, { name: 'y' }], a.name))
  t.equal(pid.node, a.name, 'its supervisor runs again')
})

test('a lost child that crashes where it starts again is not handed from node to node', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b, c] = await cluster.start('a', 'b', 'c')
  const starts: string[] = []
  let isBad = false
  class Bad extends GenServer<null> {
    override init() {
      starts.push(this.pid.node.name)
      if (isBad) this.self.send(this.pid, atom('crash'))
      return null
    }

    override handleInfo(): never {
      throw new Error('again')
    }
  }
  const options = { modules: { Bad }, maxRestarts: 3, maxSeconds: 10 }
  const [onA] = [await cluster.during(supervise(a, options)), await cluster.during(supervise(b, options))]
  const onC = await cluster.during(supervise(c, options))
  await cluster.settle()
  await cluster.during(onA.startChild([Bad, { name: 'x' }], a.name))
  await cluster.settle()
  isBad = true
  starts.length = 0
  await cluster.kill(a)
  await cluster.clock.elapse(60_000)
  t.equal(new Set(starts).size, 1, 'one node tried')
  t.equal(starts.length, 4)
  t.equal((await onC.children()).size, 0)
})

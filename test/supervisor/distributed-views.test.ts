/** What a node sees and tells of the others, where more than one answer would be possible. */
import { test } from 'tap'
import { alias, atom, type Pid, tuple } from '../../src/etf/index.ts'
import { HashRing } from '../../src/supervisor/hash-ring.ts'
import { MemoryCluster } from '../support/memory-cluster.ts'
import { counterClass, supervise } from './distributed.ts'

test('one node hears that a node came or went, the one that the Elixir members would name', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b] = await cluster.start('a', 'b')
  const heard: string[] = []
  for (const node of [a, b]) {
    const listeners = {
      onNodeUp: () => heard.push(`${node.name.name} up`),
      onNodeDown: () => heard.push(`${node.name.name} down`),
    }
    await cluster.during(supervise(node, { listeners, atomKeys: 'latin1' }))
  }
  await cluster.settle()
  const ring = new HashRing([a.name, b.name])
  // A host whose node another one would hear of if its name were hashed as OTP 26 does it.
  const hosts = Array.from({ length: 100 }, (_, i) => `host${i}`)
  const host = hosts.find((one) => {
    const name = atom(`${one}@${one}`)
    return ring.nodeFor(name, 'latin1') !== ring.nodeFor(name, 'utf8')
  })!
  const owner = ring.nodeFor(atom(`${host}@${host}`), 'latin1')?.name
  const c = await cluster.add(host)
  await cluster.settle()
  await cluster.kill(c)
  await cluster.settle()
  t.same(heard, [`${owner} up`, `${owner} down`])
})

test('a child keeps its name when a new scope process of its node is heard before the end of the old one', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b] = await cluster.start('a', 'b')
  const Counter = counterClass()
  const onA = await cluster.during(supervise(a))
  const onB = await cluster.during(supervise(b, { modules: { Counter } }))
  await cluster.settle()
  const { pid } = await cluster.during(onB.startChild([Counter, { name: 'x' }]))
  await cluster.settle()
  const successor: Pid = b.spawn(async (self) => {
    self.cast([alias('DS.Scope'), a.name], tuple(atom('sync'), self.pid, [tuple('x', [pid])]))
    while ((await self.receive()) !== 'end') {}
  })
  await cluster.until(() => a.pg('Elixir.DS.Scope').members('x').length === 2)
  t.same(await onA.whereis('x'), pid)
  b.send(successor, 'end')
  await cluster.until(() => a.pg('Elixir.DS.Scope').members('x').length === 1)
  t.same(await onA.whereis('x'), pid)
  t.equal(await onA.whois(pid), 'x')
})

import { test } from 'tap'
import { atom, Float, float, type Term, tuple } from '../../src/etf/index.ts'
import { TestNodes } from '../support/two-nodes.ts'

test('a process that asks for it gets messages as they were sent, others as the codec options say', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair({}, { codec: { binaries: 'buffer', maps: 'object' } })
  const got: Record<'plain' | 'exact', Term[]> = { plain: [], exact: [] }
  for (const kind of ['plain', 'exact'] as const) {
    b.spawn(async (self) => {
      self.register(kind)
      self.exactTerms = kind === 'exact'
      for (;;) got[kind].push(await self.receive())
    })
  }
  await nodes.settle()
  const message = tuple(float(1), 'text', new Map([[atom('k'), 1]]), 1.5)
  for (const kind of ['plain', 'exact'] as const) {
    a.send([kind, b.name], message)
    const pid = b.whereis(kind)
    if (pid !== undefined) a.send(pid, message)
  }
  await nodes.until(() => got.plain.length === 2 && got.exact.length === 2)
  for (const one of got.exact as unknown as (typeof message)[]) {
    t.ok((one[0] as unknown) instanceof Float)
    t.equal(one[1], 'text')
    t.ok(one[2] instanceof Map)
    t.equal(one[3], 1.5)
  }
  for (const one of got.plain as unknown as Term[][]) {
    t.equal(one[0], 1)
    t.ok(one[1] instanceof Uint8Array)
    t.notOk(one[2] instanceof Map)
  }
})

test('what a process asked for ends when it says so', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair()
  const got: Term[] = []
  const pid = b.spawn(async (self) => {
    self.exactTerms = true
    got.push(await self.receive())
    self.exactTerms = false
    t.notOk(self.exactTerms)
    got.push(await self.receive())
  })
  await nodes.settle()
  a.send(pid, float(2))
  await nodes.until(() => got.length === 1)
  a.send(pid, float(2))
  await nodes.until(() => got.length === 2)
  t.ok(got[0] instanceof Float)
  t.equal(got[1], 2)
})

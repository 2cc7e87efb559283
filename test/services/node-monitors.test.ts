/** Who watches nodes, on two nodes in memory. */
import { test } from 'tap'
import { TestNodes } from '../support/two-nodes.ts'

test('a function that throws keeps no other from hearing that a node is gone', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair()
  const heard: string[] = []
  a.monitorNode(b.name, () => {
    throw new Error('mine')
  })
  a.monitorNode(b.name, () => heard.push('second'))
  a.on('nodedown', () => heard.push('listener'))
  a.disconnect(b.name)
  await nodes.until(() => heard.length === 2)
  t.same(heard, ['second', 'listener'])
  const logged = nodes.log.filter(({ message }) => message.includes('monitorNode'))
  t.match(logged, [{ level: 'error', fields: { node: b.name.name, error: { message: 'mine' } } }])
})

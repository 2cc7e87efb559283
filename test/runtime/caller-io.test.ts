import { test } from 'tap'
import { io, runAs, silently } from '../../src/runtime/index.ts'
import { assertReceive, TestCluster } from '../../src/testing/index.ts'

test('a function has the output of its caller, also after a pause; one that is not followed has none', async (t) => {
  await using cluster = new TestCluster({ clock: 'system' })
  const [node] = await cluster.start('a')
  const functions = {
    atOnce: () => io.puts('printed'),
    later: async () => {
      await new Promise((resolve) => setImmediate(resolve))
      await io.puts('printed')
    },
  }
  const silent = silently({ atOnce: () => functions.atOnce(), later: () => functions.later() })
  const probe = cluster.probe(node)
  node.spawn(async (self) => {
    for (const run of Object.values(functions)) await runAs(self, run, [])
    for (const run of Object.values(silent)) {
      await t.rejects(async () => runAs(self, run, []), { code: 'ERR_RUNTIME_IO' })
    }
    self.send(probe.pid, 'done')
  })
  await assertReceive(probe, 'done')
})

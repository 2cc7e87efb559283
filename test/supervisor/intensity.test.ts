import { test } from 'tap'
import { RestartIntensity } from '../../src/supervisor/intensity.ts'

test('as many restarts as allowed within the period are fine, one more is not', async (t) => {
  const intensity = new RestartIntensity({ maxRestarts: 3, maxSeconds: 5 })
  t.same(
    [0, 1, 2, 3].map((now) => intensity.add(now)),
    [true, true, true, false],
  )
})

test('restarts older than the period do not count', async (t) => {
  const intensity = new RestartIntensity({ maxRestarts: 1, maxSeconds: 5 })
  t.ok(intensity.add(0))
  t.ok(intensity.add(5001))
  t.notOk(intensity.add(10_001), 'the one exactly at the edge of the period counts')
})

test('with 0 restarts allowed the first one is too many', async (t) => {
  t.notOk(new RestartIntensity({ maxRestarts: 0, maxSeconds: 5 }).add(0))
})

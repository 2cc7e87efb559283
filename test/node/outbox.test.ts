import { test } from 'tap'
import { Outbox, type WaitingSignal } from '../../src/node/outbox.ts'

const signal = (): WaitingSignal => ({ deliver: () => {}, fail: () => {} })

function outbox(limits: { signals?: number; bytes?: number } = {}): Outbox {
  return new Outbox({ signals: 100, bytes: 1000, ...limits })
}

test('signals of a peer wait in order and are taken once', async (t) => {
  const box = outbox()
  const [one, two, three, other] = [signal(), signal(), signal(), signal()]
  t.equal(box.add('a', one), 'opened')
  t.equal(box.add('a', two), 'queued')
  t.equal(box.add('b', other), 'opened')
  t.equal(box.add('a', three), 'queued')
  t.same(
    box.take('a').map((waiting) => [one, two, three].indexOf(waiting)),
    [0, 1, 2],
  )
  t.same(box.take('a'), [])
  t.equal(box.take('b')[0], other)
  t.equal(box.add('a', one), 'opened')
})

test('a full box refuses, other boxes do not', async (t) => {
  const box = outbox({ signals: 2 })
  box.add('a', signal())
  box.add('a', signal())
  t.equal(box.add('a', signal()), 'full')
  t.equal(box.add('b', signal()), 'opened')
  t.equal(box.take('a').length, 2)
  t.equal(box.add('a', signal()), 'opened')
})

test('a box is full by bytes too, and an empty one takes whatever comes', async (t) => {
  const box = outbox({ bytes: 1000 })
  t.equal(box.add('a', signal(), 5000), 'opened')
  t.equal(box.add('a', signal(), 1), 'full')
  t.equal(box.add('a', signal(), 0), 'queued', 'what has no bytes still fits')
  t.equal(box.add('b', signal(), 600), 'opened')
  t.equal(box.add('b', signal(), 400), 'queued')
  t.equal(box.add('b', signal(), 1), 'full')
})

test('what takes back a waiting signal always fits, but opens no box', async (t) => {
  const box = outbox({ signals: 1 })
  t.equal(box.append('a', signal()), false)
  t.same(box.take('a'), [])
  box.add('a', signal())
  t.equal(box.append('a', signal()), true)
  t.equal(box.take('a').length, 2)
})

test('only the box that one has seen opened is taken', async (t) => {
  const box = outbox()
  box.add('a', signal())
  const first = box.current('a')
  box.take('a')
  box.add('a', signal())
  t.same(box.take('a', first), [])
  t.equal(box.take('a', box.current('a')).length, 1)
})

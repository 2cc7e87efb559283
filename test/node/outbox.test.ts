import { test } from 'tap'
import { Outbox, type WaitingSignal } from '../../src/node/outbox.ts'

const signal = (): WaitingSignal => ({ deliver: () => {}, fail: () => {} })

function outbox(limits: { signals?: number; bytes?: number } = {}): Outbox {
  return new Outbox({ signals: 100, bytes: 1000, highWaterMark: 500, ...limits })
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

test('what does not fit overturns the box, and all that follows is refused; other boxes are not touched', async (t) => {
  const box = outbox({ signals: 2 })
  box.add('a', signal())
  box.add('a', signal())
  t.equal(box.add('a', signal()), 'overturned')
  t.equal(box.empty('a').length, 2)
  t.equal(box.add('a', signal()), 'refused')
  t.equal(box.append('a', signal()), false)
  t.equal(box.add('b', signal()), 'opened')
  t.equal(box.take('a').length, 0)
  t.equal(box.add('a', signal()), 'opened')
  t.same(box.empty('c'), [])
})

test('a box is full by bytes too, and an empty one takes whatever comes', async (t) => {
  const box = outbox({ bytes: 1000 })
  t.equal(box.add('a', signal(), 5000), 'opened')
  t.equal(box.add('a', signal(), 0), 'queued', 'what has no bytes still fits')
  t.equal(box.add('a', signal(), 1), 'overturned')
  t.equal(box.add('b', signal(), 600), 'opened')
  t.equal(box.add('b', signal(), 400), 'queued')
  t.equal(box.add('b', signal(), 1), 'overturned')
})

test('above the high-water mark, and overturned, a box is busy', async (t) => {
  const box = outbox({ signals: 2 })
  t.equal(box.isBusy('a'), false)
  box.add('a', signal(), 500)
  t.equal(box.isBusy('a'), false)
  box.add('a', signal(), 1)
  t.equal(box.isBusy('a'), true)
  box.add('a', signal())
  box.empty('a')
  t.equal(box.isBusy('a'), true)
  box.take('a')
  t.equal(box.isBusy('a'), false)
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

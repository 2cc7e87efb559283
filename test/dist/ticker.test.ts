import { test } from 'tap'
import { Ticker } from '../../src/dist/ticker.ts'

/** Counters that the test moves. */
function traffic() {
  return { bytesIn: 0, bytesOut: 0, pendingBytes: 0 }
}

const VISIBLE = { intensity: 4, hidden: false }

test('a side that wrote nothing in the last interval ticks, whatever it read', (t) => {
  const ticker = new Ticker(VISIBLE)
  const seen = traffic()
  seen.bytesIn = 100
  t.equal(ticker.handleInterval(seen), 'tick')
  seen.bytesIn = 200
  seen.bytesOut += 4
  t.equal(ticker.handleInterval(seen), 'none', 'the tick itself was written')
  seen.bytesIn = 300
  t.equal(ticker.handleInterval(seen), 'tick')
  t.end()
})

test('a side that writes does not tick', (t) => {
  const ticker = new Ticker(VISIBLE)
  const seen = traffic()
  for (let i = 0; i < 10; i++) {
    seen.bytesIn++
    seen.bytesOut++
    t.equal(ticker.handleInterval(seen), 'none')
  }
  t.end()
})

test('what waits for the peer makes a tick pointless', (t) => {
  const ticker = new Ticker(VISIBLE)
  t.equal(ticker.handleInterval({ bytesIn: 1, bytesOut: 0, pendingBytes: 10 }), 'none')
  t.equal(ticker.handleTick({ bytesIn: 1, bytesOut: 0, pendingBytes: 10 }), 'none')
  t.end()
})

test('a peer that is silent for `intensity` intervals is dropped, even while we write to it', (t) => {
  const ticker = new Ticker(VISIBLE)
  const seen = traffic()
  const decisions = []
  for (let i = 0; i < 4; i++) {
    seen.bytesOut++
    decisions.push(ticker.handleInterval(seen))
  }
  t.same(decisions, ['none', 'none', 'none', 'drop'])
  t.end()
})

test('one byte in the last moment counts as life', (t) => {
  const ticker = new Ticker(VISIBLE)
  const seen = traffic()
  for (let round = 0; round < 5; round++) {
    for (let i = 0; i < 3; i++) t.not(ticker.handleInterval(seen), 'drop')
    seen.bytesIn++
    t.not(ticker.handleInterval(seen), 'drop')
  }
  t.end()
})

test('a silent peer on a hidden connection is ticked although we write', (t) => {
  const seen = { bytesIn: 0, bytesOut: 1, pendingBytes: 0 }
  t.equal(new Ticker({ intensity: 4, hidden: true }).handleInterval(seen), 'tick')
  t.equal(new Ticker(VISIBLE).handleInterval(seen), 'none')
  t.end()
})

test('a tick is answered unless something was written since the one before', (t) => {
  const ticker = new Ticker(VISIBLE)
  const seen = traffic()
  t.equal(ticker.handleTick(seen), 'tick', 'nothing was ever written')
  seen.bytesOut += 4
  t.equal(ticker.handleTick(seen), 'none', 'the answer was written')
  t.equal(ticker.handleTick(seen), 'tick')
  t.end()
})

test('two sides that answer ticks do not keep each other busy', (t) => {
  const sides = [new Ticker(VISIBLE), new Ticker(VISIBLE)]
  const seen = [traffic(), traffic()]
  let ticks = 0
  let from = 0
  const tick = () => {
    ticks++
    seen[from]!.bytesOut += 4
    from = 1 - from
    seen[from]!.bytesIn += 4
  }
  tick()
  while (ticks < 100 && sides[from]!.handleTick(seen[from]!) === 'tick') tick()
  t.ok(ticks < 4, `${ticks} ticks`)
  t.end()
})

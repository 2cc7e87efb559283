import { test } from 'tap'
import { MessageBody } from '../../src/dist/message-body.ts'

const bytes = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value)
const lent = (start: number, length: number, value: number) => ({
  start,
  length,
  bytes: bytes(length, value),
})

/** Zeros, with ones from 10 to 30, twos at once behind them to 35, and threes at the end. */
const body = () => new MessageBody(bytes(50, 0), [lent(10, 20, 1), lent(30, 5, 2), lent(45, 5, 3)])
const EXPECTED = [...bytes(10, 0), ...bytes(20, 1), ...bytes(5, 2), ...bytes(10, 0), ...bytes(5, 3)]

test('pieces of any part hold what stands there, the lent bytes where the sender has them', (t) => {
  for (let from = 0; from <= 50; from++) {
    for (let to = from + 1; to <= 50; to++) {
      const pieces: Uint8Array[] = []
      body().addPieces(from, to, pieces)
      t.same([...Buffer.concat(pieces)], EXPECTED.slice(from, to))
      t.ok(pieces.every(({ length }) => length > 0))
    }
  }
  t.end()
})

test('what is owned does not change with the bytes of the sender', (t) => {
  for (let from = 0; from <= 50; from++) {
    const source = [lent(10, 20, 1), lent(30, 5, 2), lent(45, 5, 3)]
    const owned = new MessageBody(bytes(50, 0), source)
    owned.own(from)
    for (const each of source) each.bytes.fill(99)
    const pieces: Uint8Array[] = []
    owned.addPieces(from, 50, pieces)
    t.same([...Buffer.concat(pieces)], EXPECTED.slice(from))
  }
  t.end()
})

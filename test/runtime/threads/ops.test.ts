import { test } from 'tap'
import { atom, type Encodable, type Term } from '../../../src/etf/index.ts'
import { BatchReader, BatchWriter } from '../../../src/runtime/threads/ops.ts'

function pair() {
  const batches: Uint8Array[] = []
  const writer = new BatchWriter({ postMessage: (batch) => void batches.push(batch) }, {})
  const read = (): Term[] => {
    writer.flush()
    const reader = new BatchReader({})
    const terms: Term[] = []
    for (const batch of batches.splice(0)) {
      reader.begin(batch)
      for (let op = reader.next(); op !== undefined; op = reader.next()) {
        terms.push([...op] as Term, reader.payload())
      }
    }
    return terms
  }
  return { writer, read }
}

test('an operation that code in a payload asks for follows the one that is written', (t) => {
  const { writer, read } = pair()
  const sending = {
    get a(): Encodable {
      writer.write([5, 2], ['inner'])
      return 1
    },
  }
  writer.write([5, 1], [sending])
  writer.write([5, 3], ['last'])
  t.same(read(), [[5, 1], new Map([[atom('a'), 1]]), [5, 2], 'inner', [5, 3], 'last'])
  t.end()
})

test('what has no term is not sent, but what its code asked for is', (t) => {
  const { writer, read } = pair()
  const failing = {
    get a(): Encodable {
      writer.write([5, 2], ['inner'])
      throw new Error('no term')
    },
  }
  t.throws(() => writer.write([5, 1], [failing]), { code: 'ERR_ETF_UNREADABLE' })
  writer.write([5, 3], ['last'])
  t.same(read(), [[5, 2], 'inner', [5, 3], 'last'])
  t.end()
})

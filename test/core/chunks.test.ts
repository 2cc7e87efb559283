import { test } from 'tap'
import { ChunkQueue } from '../../src/core/index.ts'
import { randomFrom } from '../support/random.ts'

test('whatever the sizes of chunks and reads, the bytes come out as they went in', (t) => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = randomFrom(seed)
    const chunks = new ChunkQueue()
    let written = 0
    let read = 0
    while (read < 20_000) {
      for (let i = Math.floor(random() * 40); i > 0; i--) {
        const length = random() < 0.1 ? Math.floor(random() * 5000) : Math.floor(random() * 6)
        chunks.append(Uint8Array.from({ length }, () => written++ & 0xff))
      }
      if (chunks.length >= 2 && chunks.peekU16() !== ((read & 0xff) << 8) + ((read + 1) & 0xff)) {
        t.fail(`seed ${seed}: wrong peek at ${read}`)
      }
      if (random() < 0.3) {
        const skipped = Math.floor(random() * (chunks.length + 1))
        chunks.skip(skipped)
        read += skipped
      }
      const taken = chunks.take(Math.floor(random() * (chunks.length + 1)))
      for (const byte of taken)
        if (byte !== (read++ & 0xff)) t.fail(`seed ${seed}: wrong byte at ${read - 1}`)
    }
    if (chunks.length !== written - read) t.fail(`seed ${seed}: wrong length`)
  }
  t.pass('all came out')
  t.end()
})

test('short chunks that wait are joined, so that none of them is kept', (t) => {
  const chunks = new ChunkQueue()
  const short = Array.from({ length: 64 }, (_, i) => Uint8Array.of(i))
  for (const chunk of short) chunks.append(chunk)
  for (const chunk of short) chunk.fill(0xff)
  t.same([...chunks.take(64)], [...short.keys()])
  t.end()
})

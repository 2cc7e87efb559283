import { test } from 'tap'

/** The codec as it loads where there is no Buffer; the test runner itself needs one again right after. */
async function loadWithoutBuffer(): Promise<typeof import('../../src/etf/index.ts')> {
  const { Buffer } = globalThis
  Reflect.deleteProperty(globalThis, 'Buffer')
  try {
    return await import('../../src/etf/index.ts')
  } finally {
    globalThis.Buffer = Buffer
  }
}

test('the codec works where there is no Buffer, as in a browser', async (t) => {
  const { decode, encode } = await loadWithoutBuffer()
  for (const size of [1, 100, 10_000]) {
    const [back] = decode(encode([new Uint8Array(size).fill(255)])) as [Uint8Array]
    t.equal(Object.getPrototypeOf(back), Uint8Array.prototype)
    t.equal(back.length, size)
    t.equal(back.at(-1), 255)
  }
  for (const text of ['', 'a', 'long '.repeat(10), 'long '.repeat(100), 'é'.repeat(50)]) {
    t.equal(decode(encode(text)), text)
  }
})

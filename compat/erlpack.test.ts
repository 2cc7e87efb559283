/** `erlpack` of beamjoin/etf beside the package of that name, which npm builds from source where it can. */
import { test } from 'tap'
import { seed } from '../interop/support/arbitrary-terms.ts'
import { erlpack } from '../src/etf/index.ts'
import { valuesFrom } from '../test/support/arbitrary-values.ts'
import { loadPackage, whyNotPackage } from './support/packages.ts'

interface Erlpack {
  pack(value: unknown): Uint8Array
  unpack(bytes: Uint8Array): unknown
}

const COUNT = 20_000

test('both pack and unpack the same', { skip: whyNotPackage('erlpack') }, async (t) => {
  t.comment(`SEED=${seed}`)
  const original = loadPackage('erlpack') as Erlpack
  const next = valuesFrom(seed)
  const differences: unknown[] = []
  for (let i = 0; i < COUNT; i++) {
    const value = next()
    const [ours, theirs] = [Buffer.from(erlpack.pack(value)), Buffer.from(original.pack(value))]
    if (!ours.equals(theirs)) differences.push({ value, ours, theirs })
    const [here, there] = [JSON.stringify(erlpack.unpack(theirs)), JSON.stringify(original.unpack(ours))]
    if (here !== there) differences.push({ value, here, there })
  }
  t.same(differences.slice(0, 5), [], `${COUNT} values`)
})

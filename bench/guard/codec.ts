/** The term format: each document of the benchmark both ways, beside a plain codec that stays as it is. */
import * as etf from '../../src/etf/index.ts'
import { type DocumentName, plainDocument, termDocument } from '../etf/documents.ts'
import { type Guard, timeCalls } from './guard.ts'
import { ReferenceCodec } from './reference.ts'

/** Without the binary: that it is not copied, a test says better. */
const EXPECTED: Readonly<Record<Exclude<DocumentName, 'binary'>, { encode: number; decode: number }>> = {
  call: { encode: 1.5, decode: 0.2 },
  records: { encode: 1.2, decode: 0.55 },
  integers: { encode: 0.65, decode: 0.18 },
  tree: { encode: 0.8, decode: 0.33 },
  unicode: { encode: 1.15, decode: 0.27 },
}

export function codecGuards(): Guard[] {
  const reference = new ReferenceCodec()
  return (Object.keys(EXPECTED) as (keyof typeof EXPECTED)[]).flatMap((name) => {
    const term = termDocument(name, etf)
    const plain = plainDocument(name)
    const bytes = Buffer.from(etf.encode(term))
    const plainBytes = reference.encode(plain)
    return [
      {
        name: `encode ${name}`,
        expected: EXPECTED[name].encode,
        work: timeCalls(() => etf.encode(term)),
        reference: timeCalls(() => reference.encode(plain)),
      },
      {
        name: `decode ${name}`,
        expected: EXPECTED[name].decode,
        work: timeCalls(() => etf.decode(bytes)),
        reference: timeCalls(() => reference.decode(plainBytes)),
      },
    ]
  })
}

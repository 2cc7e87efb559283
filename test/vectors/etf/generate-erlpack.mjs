// Writes erlpack_vectors.jsonl: what Discord's erlpack packs values to, and unpacks terms to.
//
//   node --import=tsx test/vectors/etf/generate-erlpack.mjs > test/vectors/etf/erlpack_vectors.jsonl
//
// It takes erlpack from compat/node_modules ("npm ci" in compat/). The file in the repository was made with erlpack 0.1.4.
// Lines are {"value", "packed"} or {"etf", "value"}; bytes in hexadecimal.
import { createRequire } from 'node:module'
import { deflateSync } from 'node:zlib'
import { valuesFrom } from '../../support/arbitrary-values.ts'

const erlpack = createRequire(new URL('../../../compat/package.json', import.meta.url))('erlpack')
const next = valuesFrom(3)

for (let i = 0; i < 300; i++) {
  const value = next()
  console.log(JSON.stringify({ value, packed: erlpack.pack(value).toString('hex') }))
}

/** Terms as other encoders write them. */
const TERMS = [
  '6a', '6b0003616263', '680261016102', '6800', '6900000002610161ff', '6c0000000261016a6a', '6400026f6b', '73026f6b', '7300',
  '73036e696c', '73046e756c6c', '730474727565', '730566616c7365', '730454727565', '6400036e696c',
  '6200000005', '62ffffffff', '6280000000', '61ff', '463ff8000000000000',
  '63312e3530303030303030303030303030303030303030652b30300000000000',
  '6e0000', '6e010005', '6e010105', '6e0400ffffffff', '6e0401ffffff7f', '6e040100000080', '6e0500ffffffff01',
  '6e0801ffffffffffffffff', '6e0800000000000000e003', '6f000000080001000000000000ff', '6d00000000', '6d00000003616263',
  '6d00000002c3a9', '6d0000000461ffe282', '6d00000004efbbbf61', '7400000000', '740000000161016102', '740000000173036e696c6101',
  '74000000016c00000002610161026a6103', '7400000001463ff80000000000006101',
  '74000000026d000000016161016d00000001616102', '6573016e0000000703', '72000273016e010000000100000002',
  '6673016e0000000703', '6773016e000000070000000803', '7173016d7301666102', '68016801680168016105',
  `5000000020${deflateSync(Buffer.from('6d0000001b'.padEnd(64, '61'), 'hex')).toString('hex')}`,
]

for (const etf of TERMS) {
  try {
    console.log(JSON.stringify({ etf: `83${etf}`, value: erlpack.unpack(Buffer.from(`83${etf}`, 'hex')) }))
  } catch (error) {
    process.stderr.write(`${etf}: ${error.message}\n`)
  }
}

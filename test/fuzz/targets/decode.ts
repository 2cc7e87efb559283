/** Any bytes as an external term: a term or a `DecodeError`, and a term goes on being one. */
import {
  AtomBudget,
  atom,
  DecodeError,
  type DecodeOptions,
  decode,
  EncodeError,
  EXACT,
  elixirStructs,
  encode,
  erlpack,
  inspect,
  phash2,
  RecordTerm,
  termEquals,
} from '../../../src/etf/index.ts'
import { fromBase64, fromHex } from '../../etf/bytes.ts'
import { GOLDEN_TERMS } from '../../etf/golden-terms.ts'
import { readVectors } from '../../etf/vectors.ts'

/** Atoms stay for good, so a run of minutes may not bring in all that it makes up. */
const atomBudget = new AtomBudget(50_000)
/** Small, for inputs are; what one asks for beyond is refused early. */
const limits = { inflated: 1_000_000, elements: 100_000 }

const OPTIONS: readonly DecodeOptions[] = [
  { ...EXACT, atomBudget, limits },
  { binaries: 'buffer', maps: 'object', atomBudget, limits },
  { structs: elixirStructs, atomBudget, limits },
]

export function* seeds(): Generator<Uint8Array> {
  for (const { hex } of GOLDEN_TERMS) yield fromHex(`83 ${hex}`)
  for (const otp of [25, 27, 29]) {
    for (const { etf } of readVectors<{ etf: string }>(`terms_otp${otp}`)) yield fromBase64(etf)
  }
  for (const { etf } of readVectors<{ etf: string }>('inspect_vectors')) yield fromHex(etf)
  yield encode('compressed '.repeat(20), { compress: true })
  yield encode(new Date(0), { structs: elixirStructs })
}

/** Heads of every kind of term. */
export const tokens: readonly Uint8Array[] = [
  ...GOLDEN_TERMS.map(({ hex }) => fromHex(hex).subarray(0, 6)),
  encode(atom('__struct__')).subarray(1),
  encode(atom('Elixir.Date')).subarray(1),
]

export function run(bytes: Uint8Array): void {
  for (const options of OPTIONS) check(bytes, options)
  refuses(() => erlpack.unpack(bytes))
}

/** Runs it; undefined when it was refused as it should be. Everything else that it throws is a finding. */
function refuses<T>(body: () => T): T | undefined {
  try {
    return body()
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    if (error.offset > 1_000_000 || error.offset < 0)
      throw new Error(`offset ${error.offset}`, { cause: error })
    return undefined
  }
}

function check(bytes: Uint8Array, options: DecodeOptions): void {
  const term = refuses(() => decode(bytes, options))
  if (term === undefined) return
  const again = encode(term, { structs: options.structs ?? [] })
  const same = decode(again, options)
  if (options.structs === undefined && options.maps === undefined) {
    if (!termEquals(same, term)) throw new Error(`${inspect(term)} came back as ${inspect(same)}`)
    if (!holdsRecord(term) && phash2(same) !== phash2(term))
      throw new Error(`${inspect(term)} has two hashes`)
  }
  if (inspect(same) !== inspect(term)) throw new Error(`${inspect(term)} prints as ${inspect(same)}`)
}

/** Their hash is not supported. */
function holdsRecord(term: unknown): boolean {
  try {
    phash2(term as null)
    return false
  } catch (error) {
    if (error instanceof EncodeError) return inspect(term).includes('#') || term instanceof RecordTerm
    throw error
  }
}

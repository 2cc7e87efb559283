/**
 * Other options and other ways into this package's codec, measured in the same process as the defaults: none may be
 * slow because the defaults are fast, and none may make the defaults slow.
 */
import type { Encodable, Pid, Term } from '../../src/etf/index.ts'
import { type Etf, termDocument } from './documents.ts'
import { type Job, jobOf } from './job.ts'

/** Names begin with the document that a variant is of. */
export async function variants(etf: Etf): Promise<Record<string, Job>> {
  const { decode, encode } = etf
  const terms = (name: 'records' | 'unicode'): Encodable => termDocument(name, etf)
  const decoded = decode(encode(terms('records')))
  const mixed = { maps: 'object', floats: 'exact', binaries: 'buffer' } as const
  const stringKeys = { objectKeys: 'string' } as const
  return {
    'records, Map to Map': jobOf({ encode, decode }, decoded),
    "records, maps: 'object'": jobOf(
      { encode, decode: (bytes) => decode(bytes, { maps: 'object' }) },
      terms('records'),
    ),
    "records, objectKeys: 'string'": jobOf(
      { encode: (term) => encode(term, stringKeys), decode },
      terms('records'),
    ),
    'records, EXACT': jobOf({ encode, decode: (bytes) => decode(bytes, etf.EXACT) }, terms('records')),
    "records, binaries: 'buffer'": jobOf(
      { encode, decode: (bytes) => decode(bytes, { binaries: 'buffer' }) },
      terms('records'),
    ),
    'records, all three': jobOf({ encode, decode: (bytes) => decode(bytes, mixed) }, terms('records')),
    'records, structs': jobOf(
      {
        encode: (term) => encode(term, { structs: etf.elixirStructs }),
        decode: (bytes) => decode(bytes, { structs: etf.elixirStructs }),
      },
      terms('records'),
    ),
    "unicode, binaries: 'buffer'": jobOf(
      { encode, decode: (bytes) => decode(bytes, { binaries: 'buffer' }) },
      terms('unicode'),
    ),
    'tree, one branch 1,000 deep': jobOf({ encode, decode }, branch(1000, etf)),
    'call, in a distribution frame': await distributionFrame(etf),
  }
}

function branch(depth: number, { tuple }: Etf): Encodable {
  let grown: Encodable = null
  for (let i = 0; i < depth; i++) grown = tuple(i, grown)
  return grown
}

const SEND_SENDER = 22

/** A send of the call to a process, as a connection writes and reads it. */
async function distributionFrame(etf: Etf): Promise<Job> {
  const load = async <T>(path: string): Promise<T> =>
    (await import(new URL(`../.build/dist/${path}.js`, import.meta.url).href)) as T
  const { FrameReader } = await load<typeof import('../../src/dist/frame-reader.ts')>('frame-reader')
  const { FrameWriter } = await load<typeof import('../../src/dist/frame-writer.ts')>('frame-writer')
  const form = { passThrough: false, fragments: true, atomCache: true }
  const writer = new FrameWriter(form, {})
  const message = termDocument('call', etf)
  const from = new etf.Pid(etf.atom('n1@127.0.0.1'), 110, 0, 1700000000)
  const to = new etf.Pid(etf.atom('n2@127.0.0.1'), 120, 0, 1700000001)
  const write = (): Uint8Array => {
    writer.begin(SEND_SENDER)
    writer.out.writeU8(104).writeU8(3).writeU8(97).writeU8(SEND_SENDER)
    writer.terms.writePid(from)
    writer.terms.writePid(to)
    writer.endControl()
    writer.beginPayload()
    writer.writeMessage(message)
    writer.end()
    return writer.take()
  }
  const reader = new FrameReader(from.node, form, {}, { fragmentedMessages: 1, fragmentedBytes: 1 << 20 })
  let received: Term = null
  const handler = {
    send: (_from: Pid | null, _to: Pid, payload: Term) => {
      received = payload
    },
  } as never
  // The first frame brings the atoms, later ones refer to them.
  reader.readFrame(Buffer.from(write()).subarray(4), handler)
  const bytes = Buffer.from(write()).subarray(4)
  return {
    bytes,
    encode: write,
    decode: () => {
      reader.readFrame(bytes, handler)
      return received
    },
  }
}

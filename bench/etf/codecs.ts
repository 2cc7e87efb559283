/** The codecs that run in Node, each behind the same two functions, in the form that is fastest for it. */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import type { Encodable } from '../../src/etf/index.ts'
import { DOCUMENTS, type DocumentName, type Etf, plainDocument, termDocument } from './documents.ts'
import { type Codec, type Jobs, jobOf } from './job.ts'
import { variants } from './variants.ts'

/** Of the packages installed in bench/. */
const require = createRequire(new URL('../package.json', import.meta.url))

function jobs<T>(
  codec: Codec<T>,
  document: (name: DocumentName) => T,
  names: readonly DocumentName[] = DOCUMENTS,
): Jobs {
  return Object.fromEntries(names.map((name) => [name, jobOf(codec, document(name))]))
}

async function msgpack(): Promise<Jobs> {
  interface Library {
    Encoder: new () => { encode(value: unknown): Uint8Array }
    Decoder: new () => { decode(bytes: Uint8Array): unknown }
  }
  const { Encoder, Decoder } = (await import(
    pathToFileURL(require.resolve('@msgpack/msgpack')).href
  )) as Library
  const encoder = new Encoder()
  const decoder = new Decoder()
  return jobs(
    { encode: (value) => encoder.encode(value), decode: (bytes) => decoder.decode(bytes) },
    plainDocument,
  )
}

async function msgpackr(): Promise<Jobs> {
  interface Library {
    Packr: new (options: {
      useRecords: false
      mapsAsObjects: boolean
    }) => { pack(value: unknown): Uint8Array; unpack(bytes: Uint8Array): unknown }
  }
  const { Packr } = require('msgpackr') as Library
  const codec = (mapsAsObjects: boolean): Codec<unknown> => {
    const packr = new Packr({ useRecords: false, mapsAsObjects })
    return { encode: (value) => packr.pack(value), decode: (bytes) => packr.unpack(bytes) }
  }
  const records = plainDocument('records') as object[]
  const maps = records.map((record) => new Map(Object.entries(record)))
  return { ...jobs(codec(true), plainDocument), 'records, Map to Map': jobOf(codec(false), maps) }
}

async function erlpack(): Promise<Jobs> {
  interface Library {
    pack(value: unknown): Uint8Array
    unpack(bytes: Uint8Array): unknown
  }
  const { pack, unpack } = require('erlpack') as Library
  // A Buffer becomes a map of a million integers there, so it takes no part in that one.
  const names = DOCUMENTS.filter((name) => name !== 'binary')
  return jobs({ encode: pack, decode: unpack }, plainDocument, names)
}

/** From bytes to bytes, as the others; bytes within the text in base 64. */
async function json(): Promise<Jobs> {
  return jobs(
    {
      encode: (value) =>
        Buffer.from(JSON.stringify(Buffer.isBuffer(value) ? value.toString('base64') : value)),
      decode: (bytes) => {
        const value: unknown = JSON.parse((bytes as Buffer).toString())
        return typeof value === 'string' ? Buffer.from(value, 'base64') : value
      },
    },
    plainDocument,
  )
}

/** This package as its users get it: compiled, through the entry point. */
export async function loadEtf(): Promise<Etf> {
  return (await import(new URL('../.build/etf/index.js', import.meta.url).href)) as Etf
}

async function beamjoin(): Promise<Jobs> {
  const etf = await loadEtf()
  const { decode, encode } = etf
  return {
    ...jobs<Encodable>({ encode: (term) => encode(term), decode: (bytes) => decode(bytes) }, (name) =>
      termDocument(name, etf),
    ),
    ...(await variants(etf)),
  }
}

export const CODECS = { beamjoin, erlpack, '@msgpack/msgpack': msgpack, msgpackr, JSON: json } as const

export type CodecName = keyof typeof CODECS

/**
 * The external term format of Erlang: terms, their codec, order, hash, and text form. Imports nothing from `node:`, so
 * it runs in browsers, Bun and Deno as well. Published as `beamjoin/etf`.
 */
export { AtomBudget } from './atom-budget.ts'
export { brief } from './brief.ts'
export { compareTerms, type Order, termEquals } from './compare.ts'
export { decode } from './decode.ts'
export { elixirStructs } from './elixir-structs.ts'
export { encode } from './encode.ts'
export { erlpack } from './erlpack.ts'
export {
  DecodeError,
  type DecodeErrorCode,
  EncodeError,
  type EncodeErrorCode,
  ParseError,
} from './errors.ts'
export { type InspectOptions, inspect } from './inspect.ts'
export {
  type CodecLimits,
  type CodecOptions,
  type DecodeOptions,
  type EncodeOptions,
  EXACT,
} from './options.ts'
export { parseTerm } from './parse-term.ts'
export { phash2 } from './phash2.ts'
/** @internal for the distribution layer */
export { TermReader } from './reader.ts'
export { defineStruct, type StructCodec, type StructFields, type StructMapping } from './structs.ts'
export { Atom, alias, atom, atomCount } from './terms/atom.ts'
export { BitString } from './terms/bit-string.ts'
export { CalendarDate } from './terms/calendar-date.ts'
export { CalendarTime } from './terms/calendar-time.ts'
export { DateTime, type TimeZone } from './terms/date-time.ts'
export { Decimal } from './terms/decimal.ts'
export { ExportFun } from './terms/export-fun.ts'
export { Float, float } from './terms/float.ts'
export { fromKeyword, toKeyword } from './terms/keyword.ts'
export { NaiveDateTime } from './terms/naive-date-time.ts'
export { Pid } from './terms/pid.ts'
export { Port } from './terms/port.ts'
export { Range } from './terms/range.ts'
export { Reference } from './terms/reference.ts'
export {
  type Encodable,
  Fun,
  ImproperList,
  RecordTerm,
  type RegisteredTypes,
  type Term,
  type TermObject,
} from './terms/term.ts'
export { TermMap } from './terms/term-map.ts'
export { TermSet } from './terms/term-set.ts'
/** `makeTuple` is @internal, for the extensions of MessagePack. */
export { makeTuple, Tuple, tuple } from './terms/tuple.ts'
export { Uri, type UriParts } from './terms/uri.ts'
/** @internal for the distribution layer */
export { TermWriter } from './writer.ts'

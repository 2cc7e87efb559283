/** Terms in MessagePack, published as `beamjoin/msgpack`; needs the package `@msgpack/msgpack`. */
export { EXTENSION_TYPES, TermCodec, type TermCodecOptions, termCodec } from './term-codec.ts'

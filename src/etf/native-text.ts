/** The cheapest native ways from bytes to a string and back, where there are any: those of Node's `node:buffer`. */

/** Made a string of the bytes from `start` to `end` of `this`. */
type Slice = (this: Uint8Array, start: number, end: number) => string

/** Writes the text from `start` on, at most `length` bytes, and returns how many it wrote. */
type Write = (this: Uint8Array, text: string, start: number, length: number) => number

const natives: { latin1Slice?: Slice; ucs2Slice?: Slice; utf8Write?: Write } =
  (globalThis as { Buffer?: typeof Buffer }).Buffer?.prototype ?? {}

interface Builtins {
  getBuiltinModule?(name: 'buffer'): { isAscii?(bytes: Uint8Array): boolean } | undefined
}

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

/** One character for each byte. `buffer.toString('latin1')` comes to the same, but needs a Buffer. */
export const latin1Text: Slice | undefined = natives.latin1Slice

/** Whether all bytes are below 128. Asked for at run time, since the codec also runs where there is no such module. */
export const isAscii: ((bytes: Uint8Array) => boolean) | undefined =
  latin1Text && (globalThis as { process?: Builtins }).process?.getBuiltinModule?.('buffer')?.isAscii

/** One UTF-16 unit for two bytes, in the order of this machine. */
export const utf16Text: Slice | undefined =
  isLittleEndian && latin1Text !== undefined ? natives.ucs2Slice : undefined

/** U+FFFD for a lone surrogate. Takes no view of where to write, as `encodeInto` does. */
export const utf8Write: Write | undefined = natives.utf8Write

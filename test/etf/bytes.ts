/** Bytes for tests of the codec, which also run where there is nothing of Node: in a browser, for one. */

/** Node's, where there is one. */
export const NodeBuffer: typeof Buffer | undefined = (globalThis as { Buffer?: typeof Buffer }).Buffer

/** A copy in the class in which sockets hand bytes over: `Buffer` on Node. */
export function asReceived(bytes: Uint8Array): Uint8Array {
  return NodeBuffer === undefined ? Uint8Array.from(bytes) : NodeBuffer.from(bytes)
}

export function fromHex(hex: string): Uint8Array {
  const digits = hex.replace(/\s/g, '')
  const bytes = new Uint8Array(digits.length / 2)
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(digits.slice(i * 2, i * 2 + 2), 16)
  return bytes
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase()
}

export function fromText(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** The UTF-8 bytes of a text. */
export function textToHex(text: string): string {
  return toHex(fromText(text))
}

export function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

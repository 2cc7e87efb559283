/**
 * Proof of the cookie: MD5 over the cookie's bytes and the decimal challenge. Protocol: section 2.3.
 */
import { createHash, randomInt, timingSafeEqual } from 'node:crypto'
import { OptionError } from '../../core/index.ts'

/** Length of a digest in bytes. */
export const DIGEST_LENGTH = 16

/** Answers a challenge. The cookie stays inside, so that no state, error or log that holds this can show it. */
export type CookieDigest = (challenge: number) => Uint8Array

/**
 * The digest function of a cookie.
 *
 * @throws OptionError when the cookie has characters outside Latin-1, which no node could have.
 */
export function cookieDigest(cookie: string): CookieDigest {
  for (let i = 0; i < cookie.length; i++) {
    if (cookie.charCodeAt(i) > 0xff) {
      throw new OptionError(`a cookie has one byte per character; character ${i + 1} of it needs more`)
    }
  }
  const bytes = Buffer.from(cookie, 'latin1')
  return (challenge) => createHash('md5').update(bytes).update(String(challenge)).digest()
}

/** Compares in constant time. */
export function digestsEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

/** A cryptographically random challenge of 32 bits. */
export function makeChallenge(): number {
  return randomInt(0x1_0000_0000)
}

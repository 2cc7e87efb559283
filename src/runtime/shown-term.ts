/** What others see of values that may be anything. */
import { inspect as print } from 'node:util'
import { type Encodable, encode } from '../etf/index.ts'

/** The value when it is a term; otherwise the text that `console.log` prints for it. */
export function shownTerm(value: unknown): Encodable {
  try {
    encode(value as Encodable)
    return value as Encodable
  } catch {
    return print(value, { depth: 1 }).replace(/\p{Surrogate}/gu, '\ufffd')
  }
}

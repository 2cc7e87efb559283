import { decode, type Encodable, EXACT, encode, Pid, type Term } from '../etf/index.ts'

/** The term that a value is on the wire: what serves as a name must be the same name here and on every other node. */
export function wireTerm(value: Encodable): Term {
  const isPlain = typeof value !== 'object' || value === null || value instanceof Pid
  return isPlain && value !== undefined ? (value as Term) : decode(encode(value), EXACT)
}

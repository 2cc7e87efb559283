/** Keys of maps that are about to be written. */
import { EncodeError } from './errors.ts'
import { Atom } from './terms/atom.ts'
import { TermMap } from './terms/term-map.ts'

/** Whether a `Map` can hold two of this key only if they are different terms. */
function isPlainKey(key: unknown): boolean {
  switch (typeof key) {
    case 'string':
    case 'number':
    case 'boolean':
      return true
    case 'object':
      return key === null || (key instanceof Atom && key.term === key)
    default:
      return false
  }
}

/**
 * Refuses a map with one key twice, for which a BEAM would close the connection. A plain `Map` takes two equal tuples,
 * or 5 and 5n, for different keys; a `TermMap` does not.
 */
export function checkKeys(map: ReadonlyMap<unknown, unknown>): void {
  if (map instanceof TermMap || map.size < 2) return
  for (const key of map.keys()) {
    if (isPlainKey(key)) continue
    const seen = new TermMap<unknown, unknown>()
    for (const each of map.keys()) {
      if (seen.has(each)) throw new EncodeError('ERR_ETF_DUPLICATE_KEY', 'the map has this key twice', each)
      seen.set(each, true)
    }
    return
  }
}

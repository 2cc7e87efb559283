import { inspect } from './inspect.ts'
import type { Encodable } from './terms/term.ts'

/** As many as Elixir's `inspect/2` prints by default. */
const LIMIT = 50
const PRINTABLE_LIMIT = 4096

/** A term for a log line or an error message: as `inspect`, cut where Elixir cuts. */
export function brief(term: Encodable): string {
  return inspect(term, { limit: LIMIT, printableLimit: PRINTABLE_LIMIT })
}

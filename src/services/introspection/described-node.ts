/** What the functions that tools ask for tell about. */
import type { Atom } from '../../etf/index.ts'
import type { Runtime } from '../../runtime/index.ts'

export interface DescribedNode {
  readonly name: Atom
  readonly runtime: Runtime
  nodes(kind?: 'visible' | 'hidden' | 'all'): Atom[]
  /** Whole tick time in ms. */
  readonly tickTime: number
  /** Bytes that came and went over the distribution so far. */
  traffic(): { readonly input: number; readonly output: number }
}

/**
 * Learns how the children of nodes that run the hex package are started: these tell nobody, so they are asked for the
 * status of their supervisor, as the hex package asks its peers. That is done at once, since a node may die just after it
 * has started a child. One question is about all children of a node, so those that start soon after are asked about
 * together, and a node that takes long to answer is asked less often.
 */
import type { Clock, Timer } from '../core/index.ts'
import type { Atom, Pid, Term, TermMap } from '../etf/index.ts'
import type { ChildSpec } from './child-spec.ts'

/** Milliseconds between two questions. */
const PAUSE_MS = 10

/** Of the time, asking takes no more than one part in so many. */
const SHARE = 10

export interface SpecWatchParts {
  readonly clock: Clock
  /** The specifications by pid; never rejects. */
  ask(node: Atom): Promise<TermMap<Term, ChildSpec>>
  learned(node: Atom, pid: Pid, spec: ChildSpec): void
}

interface Asked {
  timer: Timer | undefined
  isUnderWay: boolean
  /** More children came while the answer was under way. */
  again: boolean
  notBefore: number
}

export class SpecWatch {
  readonly #parts: SpecWatchParts
  readonly #nodes = new Map<Atom, Asked>()

  constructor(parts: SpecWatchParts) {
    this.#parts = parts
  }

  /** A child appeared on a node. */
  appeared(node: Atom): void {
    let asked = this.#nodes.get(node)
    if (asked === undefined) {
      asked = { timer: undefined, isUnderWay: false, again: false, notBefore: 0 }
      this.#nodes.set(node, asked)
    }
    if (asked.isUnderWay) asked.again = true
    else this.#plan(node, asked)
  }

  forget(node: Atom): void {
    this.#nodes.get(node)?.timer?.cancel()
    this.#nodes.delete(node)
  }

  stop(): void {
    for (const node of [...this.#nodes.keys()]) this.forget(node)
  }

  #plan(node: Atom, asked: Asked): void {
    const { clock } = this.#parts
    asked.timer ??= clock.after(Math.max(0, asked.notBefore - clock.now()), () => {
      asked.timer = undefined
      void this.#ask(node, asked)
    })
  }

  async #ask(node: Atom, asked: Asked): Promise<void> {
    const { clock } = this.#parts
    asked.isUnderWay = true
    const before = clock.now()
    const specs = await this.#parts.ask(node)
    asked.isUnderWay = false
    asked.notBefore = clock.now() + Math.max(PAUSE_MS, (clock.now() - before) * SHARE)
    // The node has gone meanwhile, and may be back as another.
    if (this.#nodes.get(node) !== asked) return
    for (const [pid, spec] of specs) this.#parts.learned(node, pid as Pid, spec)
    if (asked.again) {
      asked.again = false
      this.#plan(node, asked)
    }
  }
}

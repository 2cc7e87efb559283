/**
 * When children ran, and when their nodes saw each other, from what the nodes wrote down of it: a line for each event,
 * `start NUMBER PID MS`, `stop NUMBER PID MS`, `up NODE MS`, `down NODE MS`, in the time of the machine's clock.
 */

interface Span {
  readonly from: number
  /** Infinity: it goes on. */
  to: number
}

interface Life extends Span {
  readonly number: string
  readonly pid: string
  readonly run: Run
}

/** Two children with one number that ran at the same time while their nodes saw each other. */
export interface Overlap {
  readonly number: string
  readonly pids: readonly [string, string]
  readonly from: number
  readonly ms: number
}

/** One run of a node, from its start to its end. */
export class Run {
  readonly node: string
  readonly lives: Life[] = []
  readonly #open = new Map<string, Life>()
  /** By the name of the other node, when this one was connected to it. */
  readonly #sight = new Map<string, Span[]>()
  /** When the process was gone. */
  #end = Number.POSITIVE_INFINITY

  constructor(node: string) {
    this.node = node
  }

  read(lines: Iterable<string>): void {
    for (const line of lines) {
      const [event, what = '', ...rest] = line.split(' ')
      if (event === 'start') this.#start(what, rest[0]!, Number(rest[1]))
      else if (event === 'stop') this.#stop(rest[0]!, Number(rest[1]))
      else if (event === 'up') this.#see(what, Number(rest[0]))
      else if (event === 'down') this.#lose(what, Number(rest[0]))
      else throw new Error(`the journal of ${this.node} has the line ${line}`)
    }
  }

  /** Nothing of it runs any more, whether it could still say so or not. */
  end(at: number): void {
    this.#end = at
    for (const life of this.#open.values()) life.to = at
    this.#open.clear()
    for (const node of this.#sight.keys()) this.#lose(node, at)
  }

  seen(node: string): readonly Span[] {
    return this.#sight.get(node) ?? []
  }

  #start(number: string, pid: string, from: number): void {
    const life = { number, pid, from, to: this.#end, run: this }
    this.lives.push(life)
    if (this.#end === Number.POSITIVE_INFINITY) this.#open.set(pid, life)
  }

  #stop(pid: string, at: number): void {
    const life = this.#open.get(pid)
    if (life !== undefined) life.to = at
    this.#open.delete(pid)
  }

  #see(node: string, from: number): void {
    this.#lose(node, from)
    const spans = this.#sight.get(node) ?? []
    spans.push({ from, to: this.#end })
    this.#sight.set(node, spans)
  }

  #lose(node: string, at: number): void {
    const last = this.#sight.get(node)?.at(-1)
    if (last !== undefined) last.to = Math.min(last.to, at)
  }
}

/**
 * The longest time without a break in which two children with one number ran while the nodes of both saw each other: of
 * every two children that did at all, longest first. Children behind a cut run twice by design, and so do those of nodes
 * of which only one has noticed the other's absence; as soon as both see each other one of them has to go.
 */
export function overlaps(runs: Iterable<Run>, now: number): Overlap[] {
  const found: Overlap[] = []
  const byNumber = new Map<string, Life[]>()
  for (const run of runs) {
    for (const life of run.lives) {
      const lives = byNumber.get(life.number)
      if (lives === undefined) byNumber.set(life.number, [life])
      else lives.push(life)
    }
  }
  for (const [number, lives] of byNumber) {
    lives.sort((a, b) => a.from - b.from)
    lives.forEach((one, index) => {
      for (let i = index + 1; i < lives.length && lives[i]!.from < one.to; i++) {
        const other = lives[i]!
        const spans = together(one, other, now)
        const longest = spans.reduce((a, b) => (b.to - b.from > a.to - a.from ? b : a), { from: 0, to: 0 })
        const ms = longest.to - longest.from
        if (ms > 0) found.push({ number, pids: [one.pid, other.pid], from: longest.from, ms })
      }
    })
  }
  return found.sort((a, b) => b.ms - a.ms)
}

function together(one: Life, other: Life, now: number): Span[] {
  const both = [{ from: Math.max(one.from, other.from), to: Math.min(one.to, other.to, now) }]
  if (one.run === other.run) return both
  // Two runs of one node: the first had ended.
  if (one.run.node === other.run.node) return both
  return common(common(both, one.run.seen(other.run.node)), other.run.seen(one.run.node))
}

function common(some: readonly Span[], others: readonly Span[]): Span[] {
  return some
    .flatMap((a) => others.map((b) => ({ from: Math.max(a.from, b.from), to: Math.min(a.to, b.to) })))
    .filter(({ from, to }) => from < to)
}

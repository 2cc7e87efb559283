/** Which instances of which child live where: written down by the children themselves, whatever registries say. */
import type { BeamNode } from '../../../src/beam-node.ts'
import { inspect, Pid, type Term } from '../../../src/etf/index.ts'
import { type From, GenServer, noreply, reply, type ServerClass } from '../../../src/runtime/index.ts'

/** A node of the simulation, as long as it runs. */
export interface Place {
  readonly host: string
  /** Undefined while it starts. */
  node: BeamNode | undefined
  isUp: boolean
}

export interface Life {
  readonly key: string
  readonly pid: Pid
  readonly place: Place
  readonly since: number
}

interface Overlap {
  readonly since: number
  readonly lives: readonly [Life, Life]
}

export class LifeBook {
  readonly #now: () => number
  readonly #onBirth: (life: Life) => void
  readonly #lives = new Map<string, Life[]>()
  /** By the keys of the two pids. */
  #overlaps = new Map<string, Overlap>()
  /** Children whose `init` fails on some hosts, and how often it did. */
  readonly failing = new Map<string, { readonly hosts: ReadonlySet<string>; failures: number }>()
  /** What a child noticed. */
  readonly complaints: string[] = []
  births = 0
  handovers = 0

  constructor(now: () => number, onBirth: (life: Life) => void) {
    this.#now = now
    this.#onBirth = onBirth
  }

  /** A class whose instances on this node write themselves down. */
  childClass(place: Place): ServerClass {
    const book = this
    return class Child extends GenServer<number> {
      override init(options: unknown): number {
        book.#begin(options as Readonly<Record<string, Term>>, this.pid, place)
        return 0
      }

      override handleCall(_request: Term, _from: From, count: number) {
        return reply(count, count)
      }

      override handleCast(_request: Term, count: number) {
        return noreply(count + 1)
      }

      /** To the instance that goes on with it elsewhere. */
      override handoff(): Pid {
        return this.pid
      }
    }
  }

  #begin(options: Readonly<Record<string, Term>>, pid: Pid, place: Place): void {
    const key = String(options['key'])
    const failing = this.failing.get(key)
    if (failing?.hosts.has(place.host)) {
      failing.failures++
      throw new Error('it is in a crash loop')
    }
    if (!place.isUp) return
    const { key: _, number, handoff, ...others } = options
    if (number !== numberOf(key) || Object.keys(others).length > 0) {
      this.complaints.push(`${key} was started with ${inspect(options as never)}`)
    }
    if (handoff !== undefined) this.#handedOver(key, handoff)
    this.births++
    const lives = this.#lives.get(key) ?? []
    const life = { key, pid, place, since: this.#now() }
    lives.push(life)
    this.#lives.set(key, lives)
    this.#onBirth(life)
  }

  #handedOver(key: string, from: Term | undefined): void {
    this.handovers++
    const before = this.of(key).find(({ pid }) => from instanceof Pid && pid.equals(from))
    if (before !== undefined)
      this.complaints.push(`${key} goes on before it has ended on ${before.place.host}`)
  }

  keys(): string[] {
    return [...this.#lives.keys()]
  }

  /** Those that live. */
  of(key: string): Life[] {
    const lives = (this.#lives.get(key) ?? []).filter(isAlive)
    if (lives.length > 0) this.#lives.set(key, lives)
    else this.#lives.delete(key)
    return lives
  }

  /** The two of those that count that have lived for too long at once on nodes that see each other. */
  overlapsFor(ms: number, counts: (life: Life) => boolean): readonly [Life, Life] | undefined {
    const now = this.#now()
    const overlaps = new Map<string, Overlap>()
    for (const key of this.keys()) {
      const lives = this.of(key).filter(counts)
      for (const [index, one] of lives.entries()) {
        for (const other of lives.slice(index + 1)) {
          if (!see(one.place, other.place)) continue
          const id = `${one.pid.key} ${other.pid.key}`
          const overlap = this.#overlaps.get(id) ?? { since: now, lives: [one, other] as const }
          overlaps.set(id, overlap)
          if (now - overlap.since > ms) return overlap.lives
        }
      }
    }
    this.#overlaps = overlaps
    return undefined
  }
}

/** What a child with this key gets as an argument, wherever and whenever it is started. */
export function numberOf(key: string): number {
  return [...key].reduce((sum, character) => (sum * 31 + character.codePointAt(0)!) % 1_000_003, 7)
}

function isAlive({ pid, place }: Life): boolean {
  return place.isUp && place.node?.runtime.isAlive(pid) === true
}

function see(one: Place, other: Place): boolean {
  if (one === other) return true
  const [a, b] = [one.node, other.node]
  return (
    a !== undefined && b !== undefined && a.nodes('all').includes(b.name) && b.nodes('all').includes(a.name)
  )
}

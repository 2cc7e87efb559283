/**
 * Which branches of a script run, and about how often: each gets a counter, put into the script by position, so that the
 * rest of it stays as it is.
 */
import { type Node, parse } from 'acorn'

/** Where an instrumented script looks for its counters. */
const COUNTERS = '__beamjoinCounters'
const BRANCHES = '__beamjoinBranches'

/** Enough for a script of a megabyte. */
const MAX_BRANCHES = 1 << 16

interface Insertion {
  readonly at: number
  readonly text: string
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string'
}

/** Makes an instrumented script of a module. */
class Instrumenter {
  /** In the order of the source, outer ones first. */
  readonly #opening: Insertion[] = []
  /** Inner ones first. */
  readonly #closing: Insertion[] = []
  #branches = 0

  run(source: string): string {
    this.#visit(parse(source, { ecmaVersion: 'latest', sourceType: 'module' }))
    if (this.#branches > MAX_BRANCHES) throw new Error(`the script has ${this.#branches} branches`)
    // Sorting is stable. What closes at a place does so before something else opens there.
    const insertions = [...this.#closing, ...this.#opening].sort((a, b) => a.at - b.at)
    const parts = [`const __c = globalThis.${COUNTERS}; globalThis.${BRANCHES} = ${this.#branches};`]
    let at = 0
    for (const insertion of insertions) {
      parts.push(source.slice(at, insertion.at), insertion.text)
      at = insertion.at
    }
    parts.push(source.slice(at))
    return parts.join('')
  }

  #count(): string {
    return `__c[${this.#branches++}]++`
  }

  #visit(node: Node): void {
    for (const [name, child] of Object.entries(node)) {
      if (Array.isArray(child)) for (const each of child) if (isNode(each)) this.#child(node, name, each)
      if (isNode(child)) this.#child(node, name, child)
    }
    // To go on behind a condition is a branch as well.
    if (node.type === 'IfStatement' && (node as Node & { alternate: Node | null }).alternate === null) {
      this.#closing.push({ at: node.end, text: ` else {${this.#count()}}` })
    }
  }

  #child(parent: Node, name: string, child: Node): void {
    const isBranch = name === 'consequent' || name === 'alternate' || name === 'body'
    if (child.type === 'BlockStatement') {
      this.#opening.push({ at: child.start + 1, text: `${this.#count()};` })
      this.#visit(child)
    } else if (child.type === 'SwitchCase') {
      const [first] = (child as Node & { consequent: Node[] }).consequent
      if (first !== undefined) this.#opening.push({ at: first.start, text: `${this.#count()};` })
      this.#visit(child)
    } else if (isBranch && /^(If|For|ForOf|ForIn|While)Statement$/.test(parent.type)) {
      this.#wrap(child, '{', ';', '}')
    } else if (
      (isBranch && /^(ConditionalExpression|ArrowFunctionExpression)$/.test(parent.type)) ||
      (parent.type === 'LogicalExpression' && name === 'right')
    ) {
      this.#wrap(child, '(', ',', ')')
    } else {
      this.#visit(child)
    }
  }

  #wrap(node: Node, open: string, separator: string, close: string): void {
    this.#opening.push({ at: node.start, text: `${open}${this.#count()}${separator}` })
    this.#visit(node)
    this.#closing.push({ at: node.end, text: close })
  }
}

/** The module with a counter in each branch. */
export function instrument(source: string): string {
  return new Instrumenter().run(source)
}

/** Reads the counters of the script that is loaded after it was made. */
export class Coverage {
  readonly #counters = new Uint8Array(MAX_BRANCHES)
  /** Of each branch, how often it has run, as bits for magnitudes. */
  readonly #seen = new Uint8Array(MAX_BRANCHES)

  constructor() {
    Reflect.set(globalThis, COUNTERS, this.#counters)
  }

  /** How many branches the script has. */
  get #length(): number {
    return (Reflect.get(globalThis, BRANCHES) as number | undefined) ?? 0
  }

  /** How many branches have run. */
  get branches(): number {
    return this.#seen.reduce((sum, each) => sum + (each === 0 ? 0 : 1), 0)
  }

  reset(): void {
    this.#counters.fill(0, 0, this.#length)
  }

  /** Whether a branch has run since `reset` that never did, or in another magnitude. Remembers it. */
  keepNew(): boolean {
    const counters = this.#counters
    const seen = this.#seen
    const length = this.#length
    let isNew = false
    for (let i = 0; i < length; i++) {
      const count = counters[i]!
      if (count === 0) continue
      const bit = 1 << (31 - Math.clz32(count))
      if ((seen[i]! & bit) !== 0) continue
      seen[i]! |= bit
      isNew = true
    }
    return isNew
  }
}

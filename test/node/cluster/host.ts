/** A node as strategies see it: nodes that can be reached, and what was tried. */
import type { Logger } from '../../../src/core/index.ts'
import type { ClusterHost } from '../../../src/node/index.ts'
import { FakeClock } from '../../../src/testing/index.ts'

export class FakeHost implements ClusterHost {
  readonly name: string
  readonly clock = new FakeClock()
  readonly logged: string[] = []
  readonly reachable = new Set<string>()
  readonly connected = new Set<string>()
  /** Every attempt, with its time. */
  readonly attempts: string[] = []
  chance = 1
  readonly logger: Logger

  constructor(name = 'me@10.0.0.1') {
    this.name = name
    const at = (level: string) => (_fields: object, message: string) =>
      void this.logged.push(`${level} ${message}`)
    this.logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  }

  isConnected(node: string): boolean {
    return this.connected.has(node)
  }

  async connect(node: string): Promise<void> {
    this.attempts.push(`${node} ${this.clock.now()}`)
    if (!this.reachable.has(node)) throw new Error('nobody is there')
    this.connected.add(node)
  }

  random(): number {
    return this.chance
  }

  get warnings(): string[] {
    return this.logged.filter((line) => line.startsWith('warn'))
  }
}

/** The cluster of the test kit, stopped at the end of a test. */
import type { BeamNode } from '../../src/beam-node.ts'
import { type Atom, atom } from '../../src/etf/index.ts'
import { type FakeClock, TestCluster } from '../../src/testing/index.ts'

interface Teardown {
  teardown(end: () => unknown): unknown
}

/**
 * @example
 * const cluster = new MemoryCluster(t)
 * const [a, b] = await cluster.start('a', 'b')   // a@a and b@b, connected
 */
export class MemoryCluster extends TestCluster {
  declare readonly clock: FakeClock

  /** Stops the nodes at the end of the test. */
  constructor(t: Teardown) {
    super()
    t.teardown(() => this.stop())
  }
}

export function hostOf(node: BeamNode): string {
  const [, host = ''] = node.name.name.split('@')
  return host
}

/** The name of the node on a host. */
export function nodeOn(host: string): Atom {
  return atom(`${host}@${host}`)
}

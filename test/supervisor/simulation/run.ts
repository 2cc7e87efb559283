/** A number of rounds with one seed. */
import type { TestCluster } from '../../../src/testing/index.ts'
import { fixChance } from './determinism.ts'
import { Simulation } from './simulation.ts'

/** How many kinds of nodes there are, and how many of each. */
const NODES = {
  two: { typescript: 14, elixir: 0, hex: 6 },
  three: { typescript: 11, elixir: 3, hex: 6 },
} as const

export interface RunOptions {
  readonly seed: number
  /** Kinds of nodes: TypeScript and the hex package (`two`, default), or our Elixir project as well. */
  readonly nodes?: keyof typeof NODES
  readonly rounds: number
  /** Rounds that are left out: `1-20,31`. */
  readonly skip?: string
  readonly onRound?: (round: number) => void
}

export interface RunResult {
  /** Undefined when all went well. */
  readonly failure: string | undefined
  /** What was done. */
  readonly log: readonly string[]
  readonly summary: string
}

export async function simulate(cluster: TestCluster, options: RunOptions): Promise<RunResult> {
  const leaveToChance = fixChance(options.seed)
  try {
    return await simulateRounds(cluster, options)
  } finally {
    leaveToChance()
  }
}

async function simulateRounds(cluster: TestCluster, options: RunOptions): Promise<RunResult> {
  const { seed, rounds, skip = '', nodes = 'two', onRound } = options
  const isSkipped = parseRanges(skip)
  const simulation = new Simulation(cluster, { seed, nodes: NODES[nodes] })
  await simulation.begin()
  let failure: string | undefined
  for (let round = 1; round <= rounds && failure === undefined; round++) {
    if (isSkipped(round)) continue
    const wrong = await simulation.round(round).catch(String)
    if (wrong !== undefined) failure = `round ${round} of seed ${seed}: ${wrong}`
    onRound?.(round)
  }
  const { births, checks, handovers, log } = simulation
  const summary = `${births} children started, ${handovers} of them handed over; all compared ${checks} times`
  return { failure, log, summary }
}

/** From `1-20,31`. */
function parseRanges(text: string): (round: number) => boolean {
  const ranges = text
    .split(',')
    .filter((range) => range !== '')
    .map((range) => range.split('-').map(Number))
  return (round) => ranges.some(([from = 0, to = from]) => round >= from && round <= to)
}

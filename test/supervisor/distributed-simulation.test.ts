/**
 * A cluster of twenty nodes in memory under rounds of random trouble (see `simulation/simulation.ts`): with the seeds that
 * once found something, and with one that holds; among TypeScript nodes and nodes of the hex package, and with nodes of our
 * Elixir project besides.
 *
 * `BEAMJOIN_SIMULATION=10000` runs so many rounds, `BEAMJOIN_SEED=7` that seed alone, `new` one that nobody has tried,
 * `BEAMJOIN_SKIP=1-20,31` leaves rounds out, to find those that matter. Many rounds are quicker with `simulation/main.ts`.
 */
import { randomInt } from 'node:crypto'
import tap, { test } from 'tap'
import { MemoryCluster } from '../support/memory-cluster.ts'
import { simulate } from './simulation/run.ts'

const ROUNDS = Number(process.env['BEAMJOIN_SIMULATION'] ?? 300)
/** Seeds that once failed, with the number of rounds that it took, and one that holds. */
const SEEDS: readonly (readonly [seed: number, rounds: number])[] = [
  [2, 460],
  [20261125, 547],
  [3, ROUNDS],
]
const SHOWN = 100

// Ten thousand rounds take minutes.
tap.setTimeout(3_600_000)

const given = process.env['BEAMJOIN_SEED']
const seed = given === 'new' ? randomInt(2 ** 31) : Number(given)
const runs = given === undefined ? SEEDS : [[seed, ROUNDS] as const]

for (const [seed, rounds] of runs) {
  for (const nodes of ['two', 'three'] as const) {
    test(`nobody lives twice, and everybody agrees, through ${rounds} rounds of trouble among ${nodes} kinds of nodes, seed ${seed}`, async (t) => {
      t.setTimeout(3_600_000)
      const skip = process.env['BEAMJOIN_SKIP'] ?? ''
      const { failure, log, summary } = await simulate(new MemoryCluster(t), { seed, rounds, nodes, skip })
      if (failure === undefined) {
        t.pass(summary)
        return
      }
      t.comment(log.slice(-SHOWN).join('\n'))
      t.fail(failure)
    })
  }
}

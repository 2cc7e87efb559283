/**
 * The simulation by itself, without the time that the test framework takes:
 *
 *   node --import=tsx test/supervisor/simulation/main.ts --seed 7 --rounds 10000 [--nodes three] [--skip 1-20,31] [--log 60] [--about child_7] [--save FILE]
 *
 * `--skip` leaves rounds out, to find those that matter; `--log` is how many of the last lines of the log a failure shows, and
 * `--about` only those with this text, and what happened to nodes and links;
 * `--save` writes all of it to a file.
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { TestCluster } from '../../../src/testing/index.ts'
import { simulate } from './run.ts'

/** Actions and births of children, not of nodes. */
const ABOUT_CHILDREN = / ms\): (?:start|terminate|crash(?: loop of)?) |(?:begin|end)s on /

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '10000' },
    nodes: { type: 'string', default: 'two' },
    skip: { type: 'string', default: '' },
    log: { type: 'string', default: '60' },
    save: { type: 'string' },
    about: { type: 'string', default: '' },
  },
})
await using cluster = new TestCluster()
const seed = Number(values.seed)
const begun = performance.now()
const { failure, log, summary } = await simulate(cluster, {
  seed,
  rounds: Number(values.rounds),
  nodes: values.nodes === 'three' ? 'three' : 'two',
  skip: values.skip,
  onRound: (round) => {
    if (round % 1_000 === 0) console.log(`seed ${seed}: round ${round}`)
  },
})
if (values.save !== undefined) writeFileSync(values.save, log.join('\n'))
if (failure !== undefined) {
  const told = log.filter((line) => line.includes(values.about) || !ABOUT_CHILDREN.test(line))
  console.log(told.slice(-Number(values.log)).join('\n'))
  process.exitCode = 1
}
const seconds = ((performance.now() - begun) / 1_000).toFixed()
console.log(`seed ${seed}: ${failure ?? summary} (${seconds} s)`)

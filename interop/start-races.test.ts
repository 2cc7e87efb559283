/**
 * The same names started at the same time on three real nodes, each a process of its own: one child for each name and
 * `{:error, {:already_started, pid}}` for the others; or, where each node was told to run it itself, more than one for the
 * moment that the nodes take to hear of each other, and one soon after.
 *
 * `BEAMJOIN_RACES=50` runs so many rounds, `BEAMJOIN_SEED=7` repeats their plan. How long it took until one was left is
 * printed.
 */
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Test, test } from 'tap'
import { alias, atom, type BeamNode, type Encodable, inspect, type Term, tuple } from '../src/index.ts'
import { startEpmd, waitFor } from './peer.ts'
import { startExPeer, startTsNode } from './support/cluster.ts'
import { ELIXIR_NODE, startElixirSupervisor } from './support/elixir-node.ts'
import { elixirRacer, type Outcome } from './support/race.ts'
import { Random } from './support/random.ts'
import { spawnReaped } from './support/reaper.ts'

const ROUNDS = Number(process.env['BEAMJOIN_RACES'] ?? 8)
const SEED = Number(process.env['BEAMJOIN_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const NAMES = 20
const RACER = 'Elixir.Racer'
const LONG = { timeout: 60_000 }

/** A node that is in no ring and tells the others what to do. */
async function startWatch(t: Test, epmdPort: number): Promise<BeamNode> {
  return startTsNode(t, { name: 'watch@127.0.0.1', epmd: 'external', epmdPort, hidden: true })
}

async function startOurs(t: Test, epmdPort: number, name: string, others: readonly string[]): Promise<void> {
  const args = ['--import=tsx', 'interop/support/race-member.ts', name, String(epmdPort), ...others]
  const child = spawnReaped(process.execPath, args, {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.teardown(() => child.process.kill('SIGKILL'))
  const lines = createInterface({ input: child.process.stdout! })
  await new Promise<void>((resolve, reject) => {
    lines.once('line', () => resolve())
    void child.exited.then(({ code }) => reject(new Error(`${name} ended with ${code}`)))
  })
}

async function startElixir(
  t: Test,
  epmdPort: number,
  name: string,
  others: readonly string[],
): Promise<void> {
  const peer = await startExPeer(t, { epmdPort, name })
  for (const other of others) await peer.eval(`true = Node.connect(:"${other}")`)
  await peer.eval(ELIXIR_NODE)
  await startElixirSupervisor(peer, 'monitor_nodes: :visible')
  await peer.eval(elixirRacer('Beamjoin'))
}

async function race(t: Test, ours: number, elixir: number): Promise<void> {
  const epmd = await startEpmd()
  t.teardown(() => epmd.kill())
  const watch = await startWatch(t, epmd.port)
  const members: string[] = []
  for (let i = 1; i <= ours + elixir; i++) {
    const name = `${i <= ours ? 'ts' : 'ex'}${i}@127.0.0.1`
    await (i <= ours ? startOurs : startElixir)(t, epmd.port, name, members)
    members.push(name)
  }
  const ask = async (member: string, fun: string, ...args: Encodable[]) =>
    watch.rpc.call(member, RACER, fun, args, LONG)
  const everywhere = async (fun: string) => Promise.all(members.map((member) => ask(member, fun)))
  await waitFor(
    async () => (await everywhere('nodes')).every((nodes) => String(nodes) === [...members].sort().join()),
    { what: 'a ring of all' },
  )
  t.comment(`seed ${SEED}`)
  const random = new Random(SEED)
  const times: number[] = []
  let doubles = 0
  for (let round = 1; round <= ROUNDS; round++) {
    const names = Array.from({ length: NAMES }, (_, i): Term => {
      const key = round * NAMES + i
      return random.pick<Term>([`child ${key}`, atom(`child_${key}`), key, tuple(atom('child'), key) as Term])
    })
    const module = random.pick(['Counter', 'Interop.Server'])
    const isEachItself = random.below(2) === 0
    const delays = members.map(() => random.below(4))
    const outcomes = await Promise.all(
      members.map(async (member, i) => {
        await new Promise((resolve) => setTimeout(resolve, delays[i]))
        const on = isEachItself ? atom(member) : null
        return (await ask(member, 'race', names, alias(module), on)) as Outcome[]
      }),
    )
    const answered = performance.now()
    let seen: string[] = []
    await waitFor(
      async () => {
        seen = (await everywhere('views')).map(String)
        return new Set(seen).size === 1 && !seen[0]!.split('\n').some((line) => line.split('@').length > 2)
      },
      { what: `one child for each name everywhere after round ${round} of seed ${SEED}` },
    )
    times.push(performance.now() - answered)
    const owners = new Map(seen[0]!.split('\n').map((line) => line.split(': ') as [string, string]))
    for (const [i, name] of names.entries()) {
      const each = outcomes.map((list) => list[i]!)
      const started = each.filter((outcome) => outcome.startsWith('started '))
      const what = `round ${round}, ${module} ${inspect(name)}: ${each.join(', ')}`
      const isFair = isEachItself ? started.length >= 1 : started.length === 1
      const others = each.filter((outcome) => !started.includes(outcome))
      const areTaken = others.every((outcome) => started.includes(outcome.replace('taken', 'started')))
      const isKept = started.includes(`started ${owners.get(inspect(name))}`)
      if (started.length > 1) doubles++
      if (!isFair || !areTaken || !isKept) t.fail(what)
    }
    t.equal(
      owners.size,
      round * NAMES,
      `round ${round}: ${module}, ${isEachItself ? 'each itself' : 'by the ring'}`,
    )
  }
  times.sort((a, b) => a - b)
  t.comment(
    `${doubles} names were started more than once; until one was left everywhere it took ${times.map((ms) => ms.toFixed(0)).join(', ')} ms`,
  )
}

test('two nodes of ours and one of Elixir', (t) => race(t, 2, 1))

test('one node of ours and two of Elixir', (t) => race(t, 1, 2))

/**
 * Ten thousand names in pg, each a group with one process, registered by a node of ours and by a BEAM node, as a third
 * node, an Elixir one, sees them: `npm run bench:pg [-- --rounds=N --names=N]`. The two take turns.
 *
 * The time is the observer's: from a message that the registering node sends it right before the first join until it has
 * heard of the last one.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { freePort, startPeer, withCleanup } from '../interop/peer.ts'
import { atom, silentLogger, startNode, tuple } from '../src/index.ts'
import { summarize } from './stats.ts'
import { table } from './table.ts'

const RESULTS = fileURLToPath(new URL('./results/', import.meta.url))
const COOKIE = 'bench'
const SCOPE = 'bench'
const WATCHER = 'watcher@127.0.0.1'
const TIMEOUT_MS = 120_000
/** How many times a BEAM node's time ours may take. */
const TARGET = 1.5

const OBSERVER = `
  {:ok, _} = :pg.start(:bench)
  await = fn await, ref, what, count ->
    if count > 0 do
      receive do {^ref, ^what, _, pids} -> await.(await, ref, what, count - length(pids)) end
    end
  end
  measure = fn count ->
    {ref, _} = :pg.monitor_scope(:bench)
    Process.register(self(), :watcher)
    start = receive do :begin -> System.monotonic_time(:microsecond) end
    await.(await, ref, :join, count)
    took = System.monotonic_time(:microsecond) - start
    send({:source, receive do {:source, node} -> node end}, :stop)
    await.(await, ref, :leave, count)
    :pg.demonitor(:bench, ref)
    Process.unregister(:watcher)
    took
  end
`

/** The processes of a round end when the observer says so. */
const SOURCE = `
  {:ok, _} = :pg.start(:bench)
  register = fn count ->
    Process.register(self(), :source)
    pids = for _ <- 1..count, do: spawn(fn -> Process.sleep(:infinity) end)
    send({:watcher, :"${WATCHER}"}, :begin)
    Enum.with_index(pids, fn pid, i -> :ok = :pg.join(:bench, {:name, i}, pid) end)
    send({:watcher, :"${WATCHER}"}, {:source, node()})
    receive do :stop -> :ok end
    for pid <- pids, do: Process.exit(pid, :kill)
    Process.unregister(:source)
  end
`

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '9' }, names: { type: 'string', default: '10000' } },
})
const rounds = Number(values.rounds)
const names = Number(values.names)

await withCleanup(async (defer) => {
  const epmdPort = await freePort()
  const node = await startNode({ name: 'ts@127.0.0.1', cookie: COOKIE, epmdPort, logger: silentLogger })
  defer(() => node.stop())
  const start = async (name: string, code: string) => {
    const peer = await startPeer({ name, cookie: COOKIE, epmdPort })
    defer(() => peer.kill())
    await peer.eval(code)
    return peer
  }
  const observer = await start('watcher', OBSERVER)
  const beam = await start('beam', SOURCE)
  for (const other of [node.name.name, beam.name]) await observer.eval(`true = Node.connect(:"${other}")`)
  const scope = node.pg(SCOPE)

  const registerOurs = async (): Promise<void> => {
    let stop = (): void => {}
    const stopped = new Promise<void>((resolve) => {
      stop = resolve
    })
    const source = node.spawn(async (self) => {
      self.register('source')
      await self.receive()
      self.unregister('source')
      stop()
    })
    const pids = Array.from({ length: names }, () => node.spawn((self) => self.receive()))
    // The process has its name when it runs.
    await new Promise((resolve) => setImmediate(resolve))
    node.send(['watcher', WATCHER], atom('begin'))
    pids.forEach((pid, i) => {
      scope.join(tuple(atom('name'), i), pid)
    })
    node.send(['watcher', WATCHER], tuple(atom('source'), node.name))
    await stopped
    for (const pid of pids) node.exit(pid, atom('kill'))
    node.exit(source, atom('kill'))
  }
  const registerBeams = () => beam.eval(`register.(${names})`, { timeout: TIMEOUT_MS })

  const measure = async (register: () => Promise<unknown>): Promise<number> => {
    const took = observer.eval(`measure.(${names})`, { timeout: TIMEOUT_MS })
    // The observer listens before the first join.
    while ((await observer.eval('is_pid(Process.whereis(:watcher))', { session: 'other' })) !== 'true');
    await register()
    return Number(await took) / 1000
  }

  const times: Record<'beamjoin' | 'BEAM', number[]> = { beamjoin: [], BEAM: [] }
  for (let round = -1; round < rounds; round++) {
    const [ours, theirs] = [await measure(registerOurs), await measure(registerBeams)]
    // The first round warms both up.
    if (round < 0) continue
    times.beamjoin.push(ours)
    times.BEAM.push(theirs)
  }
  const results = Object.entries(times).map(([who, all]) => ({ who, ...summarize(all) }))
  const ratio = (results[0]?.median ?? 0) / (results[1]?.median ?? 1)
  const rows = results.map(({ who, median, spread }) => [
    who,
    `${median.toFixed(0)} ms`,
    `${(spread * 100).toFixed(0)} %`,
  ])
  mkdirSync(RESULTS, { recursive: true })
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', node: process.version, beam: beam.version }
  writeFileSync(`${RESULTS}pg.json`, `${JSON.stringify({ machine, names, rounds, times, ratio }, null, 1)}\n`)
  process.stdout.write(
    `${table([`${names} names in pg, as an Elixir node sees them`, 'median', 'spread'], rows)}\n`,
  )
  const verdict = ratio <= TARGET ? 'within' : 'above'
  process.stdout.write(`${ratio.toFixed(2)} times a BEAM node's time: ${verdict} the target of ${TARGET}\n`)
})

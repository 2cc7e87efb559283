/**
 * What a DistributedSupervisor over three nodes of ours costs, each a process of its own: starting a child, looking one up,
 * and having it back after its node was killed, per child, from a thousand children to a hundred thousand.
 *
 *   npm run bench:supervisor [COUNT...]
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { freePort } from '../interop/peer.ts'
import { atom, DistributedSupervisor, GenServer, silentLogger, startNode } from '../src/index.ts'

const COUNTS = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1_000, 10_000, 100_000]
/** Starts under way at the same time. */
const AT_ONCE = 256
const FIRST = 'bench1@127.0.0.1'
const COOKIE = 'bench'

class Idle extends GenServer<null> {
  override init() {
    return null
  }
}

async function member(name: string, epmdPort: number) {
  const connect = name === FIRST ? [] : [FIRST]
  const node = await startNode({ name, cookie: COOKIE, epmdPort, connect, logger: silentLogger })
  const options = { name: 'Bench', modules: { Idle }, monitorNodes: true }
  return { node, ds: await DistributedSupervisor.startLink(node, options) }
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20))
}

const micros = (ms: number, count: number): string => `${((ms * 1_000) / count).toFixed(1)} us`.padStart(12)

async function measure(count: number): Promise<void> {
  const epmdPort = await freePort()
  const { node, ds } = await member(FIRST, epmdPort)
  const others = ['bench2@127.0.0.1', 'bench3@127.0.0.1'].map((name) => {
    const child = fork(fileURLToPath(import.meta.url), [], {
      env: { ...process.env, BENCH_MEMBER: name, BENCH_EPMD: String(epmdPort) },
      execArgv: ['--import=tsx'],
    })
    return { name, child }
  })
  try {
    // Each sees the two others then: who has not met the node that is killed cannot take over its children.
    await Promise.all(others.map(({ child }) => once(child, 'message')))
    await until(() => ds.nodes().length === 3)
    let next = 0
    let begun = performance.now()
    const starter = async (): Promise<void> => {
      for (let i = next++; i < count; i = next++) await ds.startChild([Idle, { name: i }])
    }
    await Promise.all(Array.from({ length: AT_ONCE }, starter))
    const starting = performance.now() - begun

    begun = performance.now()
    for (let i = 0; i < count; i++) await ds.whereis(i)
    const lookup = performance.now() - begun

    const killed = atom(others[0]!.name)
    let lost = 0
    for (const pid of (await ds.children()).values()) if (pid.node === killed) lost++
    begun = performance.now()
    others[0]!.child.kill('SIGKILL')
    await until(() => !node.nodes().includes(killed))
    await until(async () => (await ds.children()).size === count)
    const failover = performance.now() - begun
    const numbers = [micros(starting, count), micros(lookup, count), micros(failover, lost)]
    console.log(`${String(count).padStart(9)}${numbers.join('')}${String(lost).padStart(9)}`)
  } finally {
    for (const { child } of others) child.kill('SIGKILL')
    await node.stop()
  }
}

const own = process.env['BENCH_MEMBER']
if (own === undefined) {
  console.log(' children       start      lookup    failover     lost')
  for (const count of COUNTS) await measure(count)
  process.exit(0)
} else {
  const { ds } = await member(own, Number(process.env['BENCH_EPMD']))
  await until(() => ds.nodes().length === 3)
  process.send?.('up')
  process.once('disconnect', () => process.exit(0))
}

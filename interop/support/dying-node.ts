/** A node of ours in a process of its own that has a name in `:global` and is in a group of pg, for tests that kill it. */
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { COOKIE, type Teardown } from './cluster.ts'
import { spawnReaped } from './reaper.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** `Ts.view()` gives what it sees: `"nodes;names;groups"`. */
function program(name: string, epmdPort: number): string {
  return `
    import { silentLogger, startNode } from './src/index.ts'
    const node = await startNode({
      name: '${name}', cookie: '${COOKIE}', epmd: 'external', epmdPort: ${epmdPort}, logger: silentLogger,
    })
    const scope = node.pg()
    scope.join('all', node.self)
    await node.global.register('of ${name}', node.self)
    const shown = (pid) => pid ? pid.node + ' ' + pid.id : 'nobody'
    const view = () => [
      node.nodes().map(String),
      node.global.names().map((name) => name + ' ' + shown(node.global.whereis(name))),
      [...scope.snapshot()].flatMap(([group, pids]) => pids.map((pid) => group + ' ' + shown(pid))),
    ].map((list) => list.sort().join()).join(';')
    node.rpc.expose('Elixir.Ts', { view })
    console.log('ready')
    process.stdin.resume().on('end', () => process.exit())
  `
}

export interface DyingNode {
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<unknown>
}

/** Resolves when the node is up. Killed when the test ends. */
export async function startDyingNode(t: Teardown, name: string, epmdPort: number): Promise<DyingNode> {
  const args = ['--import=tsx', '--input-type=module', '-e', program(name, epmdPort)]
  const child = spawnReaped(process.execPath, args, { cwd: ROOT, stdio: ['pipe', 'pipe', 'pipe'] })
  const kill = (): Promise<unknown> => {
    child.process.kill('SIGKILL')
    return child.exited
  }
  t.teardown(kill)
  const { stdout, stderr } = child.process
  if (stdout === null) throw new Error('the node has no standard output')
  let complaints = ''
  stderr?.on('data', (text) => {
    complaints += text
  })
  const ready = once(createInterface({ input: stdout }), 'line')
  const ended = child.exited.then((end) => {
    throw new Error(`the node ended: ${JSON.stringify(end)} ${complaints}`)
  })
  await Promise.race([ready, ended])
  ended.catch(() => {})
  return { kill }
}

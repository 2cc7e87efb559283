/**
 * Three nodes of ours and two of Elixir, each a process of its own, with children of both kinds: after each round of
 * random kills (-9), joins, polite leaves and crashes every node reports the same owner for every name, and every child
 * runs once, with its first argument.
 *
 * `BEAMJOIN_CONVERGENCE=50` runs so many rounds, `BEAMJOIN_SEED=7` repeats their order.
 */
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import tap, { test } from 'tap'
import type { BeamNode } from '../src/index.ts'
import { freePort, type Peer, waitFor } from './peer.ts'
import { startExPeer, startTsNode, type Teardown } from './support/cluster.ts'
import { ELIXIR_SUPERVISOR } from './support/elixir-supervisor.ts'
import { spawnReaped } from './support/reaper.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const OURS = ['ts1', 'ts2', 'ts3'].map(full)
const THEIRS = ['ex1', 'ex2'].map(full)
const ROUNDS = Number(process.env['BEAMJOIN_CONVERGENCE'] ?? 4)
const CHILDREN = Number(process.env['BEAMJOIN_CHILDREN'] ?? 500)
const SEED = Number(process.env['BEAMJOIN_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
/** What the issue of a round may take; a loaded machine adds. */
const CONVERGED_MS = 30_000

/** What an Elixir node shows of itself, as the hex package does. */
const ELIXIR_MEMBER = `
  defmodule DistributedSupervisor do
    def dynamic_supervisor_status(name), do: :sys.get_status(Module.concat(name, DynamicSupervisor))
  end
  ${ELIXIR_SUPERVISOR}
  defmodule Member do
    defp show(pid) do
      [_, id, serial] = pid |> :erlang.pid_to_list() |> List.to_string() |> String.trim(">") |> String.split(".")
      "#{node(pid)} #{id}.#{serial}"
    end
    def view do
      names = for g <- :pg.which_groups(DS.Scope), p <- :pg.get_members(DS.Scope, g), do: "#{inspect(g)} #{show(p)}"
      local = for {_, p, _, _} <- DynamicSupervisor.which_children(DS.DynamicSupervisor), is_pid(p), do: show(p)
      [Enum.map(Node.list(), &to_string/1), local, names] |> Enum.map(&(&1 |> Enum.sort() |> Enum.join(","))) |> Enum.join(";")
    end
  end
  :ok
`

interface Running {
  kill(): Promise<unknown>
}

function full(name: string): string {
  return `${name}@127.0.0.1`
}

/** Numbers from 0 to 1 that depend on the seed alone. */
function random(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

class Members {
  readonly running = new Map<string, Running>()
  readonly #t: Teardown
  readonly #watch: BeamNode
  readonly #epmdPort: number

  constructor(t: Teardown, watch: BeamNode, epmdPort: number) {
    this.#t = t
    this.#watch = watch
    this.#epmdPort = epmdPort
  }

  async start(name: string): Promise<void> {
    const others = [...this.running.keys()]
    const running = OURS.includes(name)
      ? await this.#startOurs(name, others)
      : await this.#startTheirs(name, others)
    this.running.set(name, running)
    await this.#watch.connect(name)
  }

  async kill(name: string): Promise<void> {
    const running = this.running.get(name)
    this.running.delete(name)
    await running?.kill()
  }

  ask(name: string, fun: string, ...args: number[]) {
    return this.#watch.rpc.call(name, 'Elixir.Member', fun, args, { timeout: CONVERGED_MS })
  }

  async #startOurs(name: string, others: readonly string[]): Promise<Running> {
    const args = [
      '--import=tsx',
      'interop/support/convergence-member.ts',
      name,
      String(this.#epmdPort),
      ...others,
    ]
    const child = spawnReaped(process.execPath, args, { cwd: ROOT, stdio: ['pipe', 'pipe', 'inherit'] })
    const kill = (): Promise<unknown> => {
      child.process.kill('SIGKILL')
      return child.exited
    }
    this.#t.teardown(kill)
    const ended = child.exited.then((end) =>
      Promise.reject(new Error(`${name} ended: ${JSON.stringify(end)}`)),
    )
    await Promise.race([once(createInterface({ input: child.process.stdout! }), 'line'), ended])
    ended.catch(() => {})
    return { kill }
  }

  async #startTheirs(name: string, others: readonly string[]): Promise<Running> {
    const peer: Peer = await startExPeer(this.#t, { name: name.split('@')[0]!, epmdPort: this.#epmdPort })
    await peer.eval(ELIXIR_MEMBER, { timeout: CONVERGED_MS })
    for (const other of others) await peer.eval(`Node.connect(:"${other}")`, { timeout: CONVERGED_MS })
    return { kill: () => peer.kill() }
  }
}

/** Everybody sees the others and the same owners, `CHILDREN` of them, and those are what runs. */
async function converged(members: Members, what: string): Promise<number> {
  const since = Date.now()
  await waitFor(
    async () => {
      const names = [...members.running.keys()]
      const views = await Promise.all(
        names.map(async (name) => String(await members.ask(name, 'view')).split(';')),
      )
      const [first] = views
      for (const [index, [nodes, , owners]] of views.entries()) {
        if (words(nodes).length !== names.length - 1) throw new Error(`${names[index]} sees ${nodes}`)
        if (owners !== first?.[2])
          throw new Error(`${names[index]} differs: ${difference(owners, first?.[2])}`)
      }
      const owners = words(first?.[2])
      if (owners.length !== CHILDREN) throw new Error(`${owners.length} names`)
      const owned = owners.map((line) => line.split(' ').slice(-2).join(' ')).sort()
      const running = views.flatMap(([, local]) => words(local)).sort()
      if (owned.join() !== running.join())
        throw new Error(`run and owned: ${difference(running.join(), owned.join())}`)
      return true
    },
    { timeout: CONVERGED_MS, interval: 100, what: `one view of all children, ${what}` },
  )
  return Date.now() - since
}

function words(text = ''): string[] {
  return text === '' ? [] : text.split(',')
}

function difference(one = '', other = ''): string {
  const only = (a: string, b: string) =>
    words(a)
      .filter((word) => !words(b).includes(word))
      .slice(0, 5)
  return `${only(one, other)} and not ${only(other, one)}`
}

tap.setTimeout(3_600_000)

test(`five nodes and ${CHILDREN} children agree after each of ${ROUNDS} rounds of trouble, seed ${SEED}`, async (t) => {
  t.setTimeout(3_600_000)
  const next = random(SEED)
  const pick = <T>(items: readonly T[]): T => items[Math.floor(next() * items.length)]!
  const epmdPort = await freePort()
  // Hidden, so that it is in nobody's ring; it also keeps the epmd.
  const watch = await startTsNode(t, { epmdPort, name: full('watch'), hidden: true })
  const members = new Members(t, watch, epmdPort)
  for (const name of [...OURS, ...THEIRS]) await members.start(name)
  await waitFor(
    async () =>
      String(await members.ask(OURS[0]!, 'view'))
        .split(';')[0]!
        .split(',').length === 4,
    {
      what: 'five nodes',
    },
  )
  await members.ask(OURS[0]!, 'start', 1, CHILDREN)
  t.comment(`started: ${await converged(members, 'at first')} ms`)
  const numbers = Array.from({ length: CHILDREN }, (_, i) => i + 1)

  for (let round = 1; round <= ROUNDS; round++) {
    const up = [...members.running.keys()]
    const ours = up.filter((name) => OURS.includes(name))
    const theirs = up.filter((name) => THEIRS.includes(name))
    const away = [...OURS, ...THEIRS].filter((name) => !members.running.has(name))
    const choices = [
      ...(ours.length > 1 ? [['kill', pick(ours)] as const, ['drain', pick(ours)] as const] : []),
      ...(theirs.length > 1 ? [['kill', pick(theirs)] as const] : []),
      ...away.map((name) => ['join', name] as const),
      ['crash', pick(ours)] as const,
    ]
    const [action, name] = pick(choices)
    if (action === 'kill') await members.kill(name)
    else if (action === 'join') await members.start(name)
    else if (action === 'crash') await members.ask(name, 'crash', 20)
    else {
      t.comment(`moved and left: ${await members.ask(name, 'drain')}`)
      await members.kill(name)
    }
    const ms = await converged(members, `after ${action} ${name} in round ${round} of seed ${SEED}`)
    const asked = [...members.running.keys()].find((one) => OURS.includes(one))!
    t.same(
      await members.ask(asked, 'numbers'),
      numbers,
      `${round}: ${action} ${name}: the same everywhere in ${ms} ms`,
    )
  }
})

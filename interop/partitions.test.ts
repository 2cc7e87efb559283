/**
 * Three nodes, one of them ours, and the network between each pair in turn cut: global and pg keep every two connected
 * nodes of one mind, and after each heal all of them hold the same names and groups.
 */
import { test } from 'tap'
import { atom, type BeamNode, type PgScope, type Pid } from '../src/index.ts'
import { type Peer, waitFor } from './peer.ts'
import { startExPeer, startTsNode, type Teardown } from './support/cluster.ts'
import { startDyingNode } from './support/dying-node.ts'
import { SplitNet } from './support/split-net.ts'

/** Seconds of silence after which a node counts as gone. */
const TICK_S = 4
/** Until a cut is noticed and its consequences are over: a tick time and a quarter, and what a loaded machine adds. */
const NOTICED_MS = 20_000
/** The lockers of a cluster of three wait for 1.2 s at most before they meet, and try again after 8 s at most. */
const HEALED_MS = 25_000
/** Nothing may wait for longer than a connection takes to be set up, 7 s by default, and a loaded machine adds. */
const SYNC_MS = 15_000
const SHARED = 'shared'

/** What one node knows: the nodes it sees, and who has which name and is in which group. */
interface View {
  readonly nodes: readonly string[]
  readonly names: readonly string[]
  readonly groups: readonly string[]
}

interface Member {
  readonly name: string
  view(): Promise<View>
  /** Starts a process that takes a global name and joins a group; the outcome of the registration. */
  add(name: string, group: string): Promise<string>
  /** Ends what `add` started. */
  end(name: string): Promise<void>
  connect(other: string): Promise<void>
  /** Waits for the names of all nodes, as `:global.sync/0`. */
  sync(): Promise<void>
}

type Looked = Pick<Member, 'name' | 'view'>

const SETUP = `
  {:ok, _} = :pg.start(:pg)
  show = fn pid ->
    [_, id | _] = pid |> :erlang.pid_to_list() |> List.to_string() |> String.split(".")
    "#{node(pid)} #{id}"
  end
  view = fn ->
    names = for n <- :global.registered_names(), do: "#{n} #{show.(:global.whereis_name(n))}"
    groups = for g <- :pg.which_groups(), p <- :pg.get_members(g), do: "#{g} #{show.(p)}"
    [Node.list(), names, groups] |> Enum.map(&(&1 |> Enum.map(fn x -> to_string(x) end) |> Enum.sort() |> Enum.join(",")))
    |> Enum.join(";")
  end
  add = fn name, group ->
    pid = spawn(fn -> receive do :stop -> :ok end end)
    Process.put(name, pid)
    :ok = :pg.join(group, pid)
    :global.register_name(name, pid)
  end
`

class BeamMember implements Member {
  readonly name: string
  readonly peer: Peer

  constructor(peer: Peer) {
    this.peer = peer
    this.name = peer.name
  }

  async view(): Promise<View> {
    return parseView(await this.peer.eval('view.()'))
  }

  add(name: string, group: string): Promise<string> {
    return this.peer.eval(`add.("${name}", "${group}")`, { timeout: NOTICED_MS })
  }

  async end(name: string): Promise<void> {
    await this.peer.eval(`Process.exit(Process.get("${name}"), :kill)`)
  }

  async sync(): Promise<void> {
    await this.peer.eval(':global.sync()', { timeout: SYNC_MS })
  }

  async connect(other: string): Promise<void> {
    await this.peer.eval(`Node.connect(:"${other}")`, { timeout: NOTICED_MS })
  }
}

/** One that is looked at through another node. */
class MemberBehind implements Pick<Member, 'name' | 'view'> {
  readonly name: string
  readonly #peer: Peer

  constructor(name: string, peer: Peer) {
    this.name = name
    this.#peer = peer
  }

  async view(): Promise<View> {
    return parseView(await this.#peer.eval(`:rpc.call(:"${this.name}", Ts, :view, [])`))
  }
}

class TsMember implements Member {
  readonly name: string
  readonly #node: BeamNode
  readonly #scope: PgScope
  readonly #pids = new Map<string, Pid>()

  constructor(node: BeamNode) {
    this.#node = node
    this.#scope = node.pg()
    this.name = node.name.name
  }

  async view(): Promise<View> {
    const names = this.#node.global.names().map((name) => `${name} ${shown(this.#node.global.whereis(name))}`)
    const groups = [...this.#scope.snapshot()].flatMap(([group, pids]) =>
      pids.map((pid) => `${group} ${shown(pid)}`),
    )
    return { nodes: this.#node.nodes().map(String).sort(), names: names.sort(), groups: groups.sort() }
  }

  async add(name: string, group: string): Promise<string> {
    const pid = this.#node.spawn(async (self) => {
      await self.receive()
    })
    this.#pids.set(name, pid)
    this.#scope.join(group, pid)
    return (await this.#node.global.register(name, pid)) ? ':yes' : ':no'
  }

  async end(name: string): Promise<void> {
    const pid = this.#pids.get(name)
    if (pid !== undefined) this.#node.exit(pid, atom('kill'))
  }

  async sync(): Promise<void> {
    await this.#node.global.sync({ signal: AbortSignal.timeout(SYNC_MS) })
  }

  async connect(other: string): Promise<void> {
    await this.#node.connect(other)
  }
}

function shown(pid: Pid | undefined): string {
  return pid === undefined ? 'nobody' : `${pid.node} ${pid.id}`
}

/** From `"nodes;names;groups"`, each with commas between. */
function parseView(printed: string): View {
  const [nodes = '', names = '', groups = ''] = JSON.parse(printed).split(';')
  return { nodes: words(nodes), names: words(names), groups: words(groups) }
}

function words(text: string): string[] {
  return text === '' ? [] : text.split(',')
}

async function views(members: readonly Looked[]): Promise<Map<string, View>> {
  const all = await Promise.all(members.map((member) => member.view()))
  return new Map(members.map(({ name }, index) => [name, all[index] as View]))
}

/** Everybody sees everybody, and the same names and groups. @returns what they see. */
async function agreed(members: readonly Looked[], what: string): Promise<View> {
  let last: View | undefined
  await waitFor(
    async () => {
      const all = [...(await views(members)).values()]
      last = all[0]
      const isWhole = all.every(({ nodes }) => nodes.length === members.length - 1)
      if (isWhole && all.every((view) => JSON.stringify(rest(view)) === JSON.stringify(rest(all[0]))))
        return true
      throw new Error(JSON.stringify(all))
    },
    { timeout: HEALED_MS, interval: 100, what: `one view of all nodes, ${what}` },
  )
  return last as View
}

function rest(view: View | undefined): unknown {
  return [view?.names, view?.groups]
}

/** Whether every two nodes that see each other see the same others, and the same names and groups. */
function isWithoutOverlap(all: ReadonlyMap<string, View>): boolean {
  for (const [name, view] of all) {
    for (const other of view.nodes) {
      const theirs = all.get(other)
      const both = [[...view.nodes, name].sort(), [...(theirs?.nodes ?? []), other].sort()]
      if (JSON.stringify(both[0]) !== JSON.stringify(both[1])) return false
      if (JSON.stringify(rest(view)) !== JSON.stringify(rest(theirs))) return false
    }
  }
  return true
}

async function startMember(t: Teardown, net: SplitNet, name: string): Promise<BeamMember> {
  const args = ['-kernel', 'net_ticktime', String(TICK_S)]
  const peer = await startExPeer(t, { name, epmdPort: net.epmdPort(name), args })
  await peer.eval(SETUP)
  return new BeamMember(peer)
}

test('a cut between each pair in turn, and its healing', { timeout: 240_000 }, async (t) => {
  const names = ['ts', 'one', 'two'] as const
  const net = await SplitNet.start(t, names)
  const node = await startTsNode(t, {
    name: 'ts@127.0.0.1',
    epmd: 'external',
    epmdPort: net.epmdPort('ts'),
    netTicktime: TICK_S,
  })
  const [one, two] = await Promise.all([startMember(t, net, 'one'), startMember(t, net, 'two')])
  const members: Member[] = [new TsMember(node), one, two]
  await node.connect(one.name)
  await node.connect(two.name)
  for (const member of members) t.equal(await member.add(`of ${member.name}`, 'all'), ':yes')
  const before = await agreed(members, 'at first')
  t.equal(before.names.length, 3, 'nodes that we connected have introduced each other')
  t.equal(before.groups.length, 3)

  for (const [a, b, c] of [
    [0, 1, 2],
    [0, 2, 1],
    [1, 2, 0],
  ] as const) {
    const [first, second, third] = [members[a]!, members[b]!, members[c]!]
    const what = `${first.name} and ${second.name}`
    net.cut(names[a], names[b])
    const parts = await waitFor(
      async () => {
        const all = await views(members)
        const isNoticed = !all.get(first.name)?.nodes.includes(second.name)
        if (isNoticed && !all.get(second.name)?.nodes.includes(first.name) && isWithoutOverlap(all))
          return all
        throw new Error(JSON.stringify([...all]))
      },
      { timeout: NOTICED_MS, interval: 100, what: `parts without overlap after a cut between ${what}` },
    )
    t.pass(
      `cut between ${what}: ${[...parts].map(([n, { nodes }]) => `${n} sees ${nodes.length}`).join(', ')}`,
    )
    // Both sides take one name; both change their groups.
    t.equal(await first.add(SHARED, 'split'), ':yes')
    t.equal(await second.add(SHARED, 'split'), ':yes')
    await third.end(`of ${third.name}`)
    net.heal(names[a], names[b])
    await first.connect(second.name)
    await first.connect(third.name)
    await second.connect(third.name)
    const after = await agreed(members, `after the heal between ${what}`)
    await Promise.all(members.map((member) => member.sync()))
    const holders = after.names.filter((line) => line.startsWith(`${SHARED} `))
    t.equal(holders.length, 1, `one process has the name that both took: ${holders.join()}`)
    t.equal(after.groups.filter((line) => line.startsWith('split ')).length, 1, 'the other one was killed')
    await third.add(`of ${third.name}`, 'all')
    await first.end(SHARED)
    await second.end(SHARED)
    await waitFor(async () => (await agreed(members, 'when the shared name is gone')).names.length === 3, {
      what: 'the shared name to go',
    })
  }
})

test('nodes that are killed are gone everywhere, and come back as new ones', {
  timeout: 240_000,
}, async (t) => {
  const net = await SplitNet.start(t, ['ts', 'one', 'two'])
  const ts = 'ts@127.0.0.1'
  const first = await startDyingNode(t, ts, net.epmdPort('ts'))
  const [one, two] = await Promise.all([startMember(t, net, 'one'), startMember(t, net, 'two')])
  for (const member of [one, two]) await member.add(`of ${member.name}`, 'all')
  const ours = new MemberBehind(ts, one.peer)
  await one.connect(ts)
  await one.connect(two.name)
  t.equal((await agreed([ours, one, two], 'at first')).names.length, 3)

  await first.kill()
  const without = await agreed([one, two], 'without ours')
  t.same([without.names.length, without.groups.length], [2, 2])
  t.equal(await one.peer.eval(':global.sync()'), ':ok')
  await startDyingNode(t, ts, net.epmdPort('ts'))
  await two.connect(ts)
  t.equal((await agreed([ours, one, two], 'with ours again')).names.length, 3)

  await two.peer.kill()
  const left = await agreed([ours, one], 'without two')
  t.same([left.names.length, left.groups.length], [2, 2])
  const again = await startMember(t, net, 'two')
  await again.add('of another two', 'all')
  await again.connect(one.name)
  const last = await agreed([ours, one, again], 'with two again')
  t.ok(last.names.some((line) => line.startsWith('of another two ')))
  t.same([last.names.length, last.groups.length], [3, 3])
})

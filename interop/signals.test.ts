/** Signals between processes of ours and of a BEAM, where they race, carry a token, or came with a later release. */
import { randomInt } from 'node:crypto'
import { test } from 'tap'
import {
  type Atom,
  atom,
  type BeamNode,
  type Pid,
  type Process,
  SpawnError,
  type Term,
  Tuple,
  tuple,
} from '../src/index.ts'
import { findBeam, type Peer, waitFor } from './peer.ts'
import { randomNumbers } from './support/arbitrary-terms.ts'
import { connectedCluster, EX, TS } from './support/cluster.ts'

/** A process of ours that keeps what it gets. */
async function keeper(node: BeamNode, name: string): Promise<{ pid: Pid; got: Term[]; self: Process }> {
  const got: Term[] = []
  let process: Process | undefined
  const pid = node.spawn(async (self) => {
    self.trapExit = true
    self.register(name)
    process = self
    for (;;) got.push(await self.receive())
  })
  await waitFor(() => process, { what: name })
  return { pid, got, self: process! }
}

/** A process there that traps exits, and the pid of it. */
async function thereIs(node: BeamNode, peer: Peer, name: string): Promise<Pid> {
  await peer.eval(`Process.register(spawn(fn ->
    Process.flag(:trap_exit, true)
    loop = fn loop -> receive do {:do, f} -> f.() ; _ -> :ok end; loop.(loop) end
    loop.(loop)
  end), :${name})`)
  return (await node.rpc.call(EX, 'erlang', 'whereis', [atom(name)])) as Pid
}

test('links and unlinks of both sides that race end in the same state on both', async (t) => {
  const seed = randomInt(2 ** 31)
  t.comment(`seed ${seed}`)
  const random = randomNumbers(seed)
  const { node, peer } = await connectedCluster(t, { peer: { library: false } })
  const ours = await Promise.all(Array.from({ length: 8 }, (_, i) => keeper(node, `ours_${i}`)))
  const theirs = await Promise.all(Array.from({ length: 8 }, (_, i) => thereIs(node, peer, `theirs_${i}`)))
  await peer.eval(`pids = for i <- 0..7, do: :rpc.call(:"${TS}", :erlang, :whereis, [:"ours_#{i}"])`, {
    session: 'race',
  })
  for (let round = 0; round < 5; round++) {
    // Each of theirs links and unlinks one of ours again and again, and the other way round, all at once.
    const racing = peer.eval(
      `for {pid, i} <- Enum.with_index(pids), do: send(:"theirs_#{i}", {:do, fn ->
        for _ <- 1..200, do: if(:rand.uniform() < 0.5, do: Process.link(pid), else: Process.unlink(pid))
      end}); :ok`,
      { session: 'race' },
    )
    for (let i = 0; i < 200; i++) {
      for (const [at, { self }] of ours.entries()) {
        if (random() < 0.5) self.link(theirs[at]!)
        else self.unlink(theirs[at]!)
      }
      if (random() < 0.3) await new Promise((resolve) => setImmediate(resolve))
    }
    await racing
    const linkedHere = (at: number): boolean =>
      node.runtime.processInfo(ours[at]!.pid)!.links.some((pid) => pid.equals(theirs[at]))
    const here = (): string => `[${ours.map((_, at) => linkedHere(at)).join(', ')}]`
    const there = (): Promise<string> =>
      peer.eval(
        `for {pid, i} <- Enum.with_index(pids) do
          {:links, links} = Process.info(Process.whereis(:"theirs_#{i}"), :links); pid in links
        end`,
        { session: 'race' },
      )
    await waitFor(async () => (await there()) === here() && (await there()) === here(), {
      what: `both sides to agree on the links in round ${round} with seed ${seed}`,
    })
    t.pass(`round ${round}: ${here()}`)
  }
  t.same(
    ours.flatMap(({ got }) => got),
    [],
    'and nobody has heard of an end',
  )
})

test('messages, exits and spawn requests with a trace token arrive as those without', async (t) => {
  const { node, peer } = await connectedCluster(t, { peer: { library: false } })
  const { got, pid } = await keeper(node, 'traced')
  node.rpc.expose('ts', { hello: (name) => `hello ${String(name)}` })
  const to = `{:traced, :"${TS}"}`
  const answer = await peer.eval(`
    pid = :rpc.call(:"${TS}", :erlang, :whereis, [:traced])
    :seq_trace.set_token(:label, {:any, "label"})
    send(pid, 1); send(${to}, 2)
    :erpc.call(:"${TS}", :ts, :hello, ["you"])`)
  t.equal(answer, '"hello you"')
  await peer.eval(`
    spawn(fn -> Process.link(pid); :seq_trace.set_token(:label, 5); exit({:traced, 3}) end)
    :seq_trace.set_token([])`)
  await waitFor(() => got.length === 3, { what: 'all of them' })
  t.same(got.slice(0, 2), [1, 2])
  t.equal((got[2] as Tuple)[2] instanceof Tuple && String((got[2] as Tuple<[Term, Term, Tuple]>)[2][1]), '3')
  t.ok(node.runtime.isAlive(pid))
})

test('a BEAM runs what we ask it to, linked and monitored, and refusals are errors', async (t) => {
  const { node } = await connectedCluster(t, { peer: { library: false } })
  const there = (module: string, name: string, args: Term[]) => ({
    node: atom(EX),
    module: atom(module),
    function: atom(name),
    args,
  })
  const spawned = await node.runtime.spawnOn(there('timer', 'sleep', [60_000]))
  t.equal(spawned.node, atom(EX))

  const down = new Promise<Term>((resolve) => {
    void node.runtime.spawnOn(there('erlang', 'exit', [tuple(atom('gone'), 1)]), { onDown: resolve })
  })
  const reason = (await down) as Tuple<[Atom, number]>
  t.same([...reason], [atom('gone'), 1])

  const undef = new Promise<Term>((resolve) => {
    void node.runtime.spawnOn(there('no_such_module', 'f', []), { onDown: resolve })
  })
  t.equal(((await undef) as Tuple)[0], atom('undef'))

  const ended: unknown[] = []
  node.runtime.onMessage = (message) => void ended.push(message)
  const linked = await node.runtime.spawnOn(there('timer', 'sleep', [60_000]), { link: true })
  node.exit(linked, atom('kill'))
  await waitFor(() => ended.length === 1, { what: 'the end of the linked process' })
  t.equal((ended[0] as Tuple)[2], atom('killed'))
  await t.rejects(
    node.runtime.spawnOn({ ...there('m', 'f', []), node: atom('nobody@127.0.0.1') }),
    SpawnError,
    'noconnection',
  )
})

test('what OTP 28 and newer add: priority messages and exits, and exits of aliases', {
  skip: findBeam().otp < 28 && `OTP ${findBeam().otp} does not have them`,
}, async (t) => {
  const { node, peer } = await connectedCluster(t, { peer: { library: false } })
  const { got, pid, self } = await keeper(node, 'modern')
  const alias = self.alias()
  await peer.eval('Process.register(self(), :main)')
  node.send(['main', EX], tuple(pid, alias))
  await peer.eval(`{pid, al} = receive do x -> x end
    :erlang.send(pid, 1, [:priority])
    :erlang.send({:modern, :"${TS}"}, 2, [:priority])
    :erlang.send(al, 3, [:priority])
    :erlang.exit(pid, :four, [:priority])
    :erlang.exit(al, :five)
    send(al, 6)`)
  await waitFor(() => got.length === 6, { what: 'all of them' })
  t.same(
    got.map((message) => (message instanceof Tuple ? String(message[2]) : message)),
    [1, 2, 3, 'four', 'five', 6],
  )
})

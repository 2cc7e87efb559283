/** Messages of many fragments: small ones overtake them, and what belongs behind them stays there. */
import { createHash } from 'node:crypto'
import { test } from 'tap'
import { atom, type Pid, type Term, Tuple, tuple } from '../src/index.ts'
import { waitFor } from './peer.ts'
import { connectedCluster, EX, TS } from './support/cluster.ts'

const HUGE = 64 * 1024 * 1024

/** Bytes that are no text, so that they arrive as bytes. */
function bytes(length: number): Uint8Array {
  return new Uint8Array(length).map((_, i) => (i * 7 + (i >> 12)) | 0x80)
}

const md5 = (data: Uint8Array): string => createHash('md5').update(data).digest('hex')

test('a message of 64 MiB to a BEAM arrives whole, and pings and others go ahead of it', async (t) => {
  const { node, peer } = await connectedCluster(t, { peer: { library: false } })
  await peer.eval(`
    Process.register(spawn(fn ->
      receive do b when is_binary(b) ->
        Process.register(spawn(fn -> Process.sleep(:infinity) end), :complete)
        huge = Base.encode16(:erlang.md5(b), case: :lower)
        next = receive do m when is_binary(m) -> m end
        receive do {:ask, from} -> send(from, {huge, next}) end
      end
    end), :huge)
    parent = self()
    Process.register(spawn(fn -> receive do m -> send(parent, {m, Process.whereis(:complete)}) end end), :small)`)
  const huge = bytes(HUGE)
  let pings = 0
  node.send(['huge', EX], huge)
  node.send(['huge', EX], 'behind')
  node.send(['small', EX], 'ahead')
  for (; pings < 3; pings++) t.equal(await node.ping(EX), 'pong')
  t.equal(
    await peer.eval('receive do x -> x end', { timeout: 30_000 }),
    '{"ahead", nil}',
    'what went ahead came before the huge one was complete',
  )
  const answer = await peer.eval('send(:huge, {:ask, self()}); receive do x -> x end', { timeout: 60_000 })
  t.equal(answer, `{"${md5(huge)}", "behind"}`)
})

test('a message of 64 MiB from a BEAM arrives whole, and pings go ahead of it both ways', async (t) => {
  const { node, peer } = await connectedCluster(t, { peer: { library: false } })
  const received: Term[] = []
  node.spawn(async (self) => {
    self.register('sink')
    for (;;) received.push(await self.receive())
  })
  await waitFor(() => node.whereis('sink'), { what: 'the sink' })
  const sum = peer.eval(
    `huge = :binary.copy(<<255, 1, 2, 3>>, ${HUGE / 4})
     send({:sink, :"${TS}"}, huge); send({:sink, :"${TS}"}, :behind)
     Base.encode16(:erlang.md5(huge), case: :lower)`,
    { timeout: 60_000, session: 'sender' },
  )
  t.equal(await peer.eval(`Node.ping(:"${TS}")`, { timeout: 30_000 }), ':pong')
  t.equal(await node.ping(EX, { timeout: 30_000 }), 'pong')
  const expected = await sum
  await waitFor(() => received.length === 2, { what: 'both messages', timeout: 60_000 })
  t.equal(`"${md5(received[0] as Uint8Array)}"`, expected)
  t.equal(received[1], atom('behind'))
})

test('both sides send large messages of several senders at once, in turns, and all arrive', async (t) => {
  const { node, peer } = await connectedCluster(t, { peer: { library: false } })
  const sizes: number[] = []
  node.spawn(async (self) => {
    self.register('sink')
    for (;;) sizes.push(((await self.receive()) as Uint8Array).length)
  })
  await waitFor(() => node.whereis('sink'), { what: 'the sink' })
  await peer.eval(`Process.register(self(), :main)
    for i <- 1..8, do: spawn(fn -> send({:sink, :"${TS}"}, :binary.copy(<<255>>, i * 1_000_000)) end)`)
  for (let i = 1; i <= 8; i++) {
    node.spawn((self) => self.send(['main', EX], tuple(i, bytes(i * 1_000_000))))
  }
  t.equal(
    await peer.eval('for(_ <- 1..8, do: receive do {i, b} -> {i, byte_size(b)} end) |> Enum.sort()', {
      timeout: 30_000,
    }),
    `[${Array.from({ length: 8 }, (_, i) => `{${i + 1}, ${i + 1}000000}`).join(', ')}]`,
  )
  await waitFor(() => sizes.length === 8, { what: 'the messages of the BEAM', timeout: 30_000 })
  t.same(
    sizes.sort((a, b) => a - b),
    Array.from({ length: 8 }, (_, i) => (i + 1) * 1_000_000),
  )
})

test('monitors, links, exits and names keep their place behind a large message of the same sender', async (t) => {
  const { node, peer } = await connectedCluster(t, { peer: { library: false } })
  await peer.eval(`
    Process.flag(:trap_exit, true)
    Process.register(self(), :main)`)
  const pid = node.rpc.call(EX, 'erlang', 'whereis', [atom('main')])
  const target = (await pid) as Pid
  node.spawn(async (self) => {
    self.link(target)
    self.send(target, tuple(1, bytes(3_000_000)))
    self.send(['main', EX], 2)
    self.exit(target, atom('three'))
    self.send(target, tuple(4, bytes(2_000_000)))
    self.send(target, 5)
    self.exit(atom('six'))
  })
  const got = await peer.eval(
    `for _ <- 1..6 do
      receive do
        {:EXIT, _, reason} -> reason
        {i, b} -> {i, byte_size(b)}
        x -> x
      end
    end`,
    { timeout: 30_000 },
  )
  t.equal(got, '[{1, 3000000}, 2, :three, {4, 2000000}, 5, :six]')

  const order: string[] = []
  const sink = node.spawn(async (self) => {
    self.trapExit = true
    self.register('sink')
    for (;;) {
      const message = await self.receive()
      if (message instanceof Tuple)
        order.push(message[0] === atom('EXIT') ? String(message[2]) : String(message[0]))
      else order.push(String(message))
    }
  })
  await waitFor(() => node.whereis('sink')?.equals(sink), { what: 'the sink' })
  await peer.eval(`
    sink = {:sink, :"${TS}"}
    pid = :rpc.call(:"${TS}", :erlang, :whereis, [:sink])
    spawn(fn ->
      Process.link(pid)
      send(pid, {1, :binary.copy(<<255>>, 3_000_000)}); send(sink, 2); Process.exit(pid, :three)
      send(sink, {4, :binary.copy(<<255>>, 2_000_000)}); exit(:five)
    end)`)
  await waitFor(() => order.length === 5, { what: 'everything', timeout: 30_000 })
  t.same(order, ['1', '2', 'three', '4', 'five'])
})

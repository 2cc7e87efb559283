/** Short messages that stream in from an Elixir node: our side rests between reads, and nobody there may notice. */
import { Socket } from 'node:net'
import { type Test, test } from 'tap'
import { type BeamNode, GenServer, noreply, reply, type Term } from '../src/index.ts'
import type { Peer } from './peer.ts'
import { connectedCluster, EX, TS } from './support/cluster.ts'

const MESSAGES = 50_000
/** Streams at most until there was a rest: a machine may be too busy to send so fast. */
const ATTEMPTS = 20

interface State {
  readonly next: number
  readonly wrong: number
}

/** Expects the numbers from 0 on. */
class Ordered extends GenServer<State> {
  override init() {
    return { next: 0, wrong: 0 }
  }

  override handleCast(number: Term, { next, wrong }: State) {
    return noreply({ next: next + 1, wrong: number === next ? wrong : wrong + 1 })
  }

  override handleCall(_request: Term, _from: unknown, { next, wrong }: State) {
    return reply([next, wrong], { next: 0, wrong: 0 })
  }
}

interface Stream {
  readonly node: BeamNode
  readonly peer: Peer
  /** How often sockets rested so far, which is a pause. */
  rests(): number
}

async function setUp(t: Test): Promise<Stream> {
  const pauses = t.capture(Socket.prototype, 'pause', Socket.prototype.pause)
  const { node, peer } = await connectedCluster(t, { peer: { library: false } })
  await node.startLink(Ordered, undefined, { name: 'ordered' })
  // Each socket is paused once when it is made.
  pauses()
  let rests = 0
  return { node, peer, rests: () => (rests += pauses().length) }
}

const stream = `for i <- 0..${MESSAGES - 1}, do: GenServer.cast({:ordered, :"${TS}"}, i)`
const result = `GenServer.call({:ordered, :"${TS}"}, :result, 60_000)`

test('a stream of casts arrives whole and in order, and a call behind it is answered', async (t) => {
  const { peer, rests } = await setUp(t)
  let attempt = 0
  do {
    const counted = await peer.eval(`${stream}; ${result}`, { timeout: 60_000 })
    t.equal(counted, `[${MESSAGES}, 0]`)
  } while (rests() === 0 && ++attempt < ATTEMPTS)
  t.ok(rests() > 0, 'it rested')
})

test('calls while casts stream in on the same connection are answered', async (t) => {
  const { node, peer } = await setUp(t)
  const streamed = peer.eval(`${stream}; ${result}`, { timeout: 60_000, session: 'stream' })
  let calls = 0
  let isOver = false
  const finish = (): void => {
    isOver = true
  }
  streamed.then(finish, finish)
  while (!isOver) {
    if ((await node.rpc.call(EX, 'erlang', 'abs', [-1])) !== 1) throw new Error('a wrong answer')
    calls++
  }
  t.equal(await streamed, `[${MESSAGES}, 0]`)
  t.comment(`${calls} calls`)
})

test('a node that is killed in the middle of its stream is noticed', async (t) => {
  const { node, peer, rests } = await setUp(t)
  const down = new Promise((resolve) => node.once('nodedown', resolve))
  void peer
    .eval(`Stream.cycle([1]) |> Enum.each(fn _ -> GenServer.cast({:ordered, :"${TS}"}, 0) end)`, {
      timeout: 60_000,
    })
    .catch(() => {})
  let seen = 0
  const deadline = performance.now() + 20_000
  while (seen < MESSAGES || (rests() === 0 && performance.now() < deadline)) {
    seen += ((await node.call('ordered', 'result')) as number[])[0]!
  }
  await peer.kill()
  await down
  t.same(node.nodes(), [])
  t.ok(Array.isArray(await node.call('ordered', 'result')), 'the server lives')
})

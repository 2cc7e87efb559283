/** Topics of Phoenix.PubSub, shared with an Elixir node that speaks its default adapter. */
import { test } from 'tap'
import { alias, atom, inspect, type Term, tuple } from '../src/index.ts'
import { PubSub } from '../src/pubsub/index.ts'
import { waitFor } from './peer.ts'
import { connectedCluster, type Teardown, TS } from './support/cluster.ts'
import { PUBSUB } from './support/pubsub-peer.ts'

const NEXT = 'receive do m -> m after 5000 -> :nothing end'
const SCOPE = alias('Phoenix.PubSub')

async function setUp(t: Teardown, poolSize: number) {
  const { node, peer } = await connectedCluster(t)
  await peer.eval(PUBSUB)
  await peer.eval(`Interop.PubSub.start(MyApp.PubSub, ${poolSize})`)
  const pubsub = new PubSub(node, { name: 'MyApp.PubSub', poolSize })
  const groups = ['', ...Array.from({ length: poolSize - 1 }, (_, index) => `_${index + 2}`)]
  await waitFor(
    async () => {
      const counts = await Promise.all(
        groups.map((suffix) =>
          peer.eval(`length(:pg.get_members(Phoenix.PubSub, :"Elixir.MyApp.PubSub.Adapter${suffix}"))`),
        ),
      )
      const ours = groups.map(
        (suffix) => node.pg(SCOPE).members(alias(`MyApp.PubSub.Adapter${suffix}`)).length,
      )
      return counts.every((count) => count === '2') && ours.every((count) => count === 2)
    },
    { what: 'the workers of both nodes in every group' },
  )
  return { node, peer, pubsub }
}

for (const poolSize of [1, 3]) {
  test(`both sides broadcast and subscribe, with a pool of ${poolSize}`, async (t) => {
    const { node, peer, pubsub } = await setUp(t, poolSize)
    const heard: string[] = []
    pubsub.subscribe('room:1', (message, { dispatcher }) => heard.push(`${inspect(message)} ${dispatcher}`))
    const subscription = pubsub.subscribe('room:1')
    await peer.eval('Interop.PubSub.subscribe(MyApp.PubSub, "room:1")')
    await peer.eval('Interop.PubSub.broadcast(MyApp.PubSub, "room:1", {:new_msg, %{body: "hi"}})')
    t.equal(inspect((await subscription.next()).value as Term), '{:new_msg, %{body: "hi"}}')
    t.equal(await peer.eval(NEXT), '{:new_msg, %{body: "hi"}}', 'its own subscriber has it too')

    pubsub.broadcast('room:1', tuple(atom('from_ts'), 'grüß dich'))
    t.equal(await peer.eval(NEXT), '{:from_ts, "grüß dich"}')
    pubsub.broadcast('room:2', 'nobody listens')
    pubsub.broadcast('room:1', 'custom', { dispatcher: alias('My.Dispatcher') })
    t.equal(await peer.eval(NEXT), '{My.Dispatcher, "custom"}')

    pubsub.directBroadcast(atom(peer.name), 'room:1', 'direct')
    t.equal(await peer.eval(NEXT), '"direct"')
    await peer.eval(`Interop.PubSub.direct(MyApp.PubSub, :"${TS}", "room:1", "direct back")`)
    await peer.eval('Interop.PubSub.broadcast(MyApp.PubSub, self(), "room:1", "from me")')
    await waitFor(() => heard.includes('"from me" Elixir.Phoenix.PubSub'), { what: 'the broadcast' })
    t.same(heard, [
      '{:new_msg, %{body: "hi"}} Elixir.Phoenix.PubSub',
      '{:from_ts, "grüß dich"} Elixir.Phoenix.PubSub',
      '"custom" Elixir.My.Dispatcher',
      '"direct back" Elixir.Phoenix.PubSub',
      '"from me" Elixir.Phoenix.PubSub',
    ])
    t.equal(
      await peer.eval('receive do m -> m after 0 -> :nothing end'),
      ':nothing',
      'the sender is left out',
    )

    pubsub.stop()
    await waitFor(
      async () => (await peer.eval('length(:pg.get_members(Phoenix.PubSub, MyApp.PubSub.Adapter))')) === '1',
      { what: 'the groups without our workers' },
    )
    t.ok(node.whereis('rex'))
  })
}

test('messages of one Elixir process keep their order, whatever process it is', async (t) => {
  const { peer, pubsub } = await setUp(t, 3)
  const heard: [number, number][] = []
  pubsub.subscribe('order', (message) => heard.push(message as [number, number]))
  await peer.eval(
    'for s <- 1..10, do: spawn(fn -> for n <- 1..50, do: Interop.PubSub.broadcast(MyApp.PubSub, "order", [s, n]) end)',
  )
  await waitFor(() => heard.length === 500, { what: 'all messages' })
  for (let sender = 1; sender <= 10; sender++) {
    const numbers = heard.filter(([from]) => from === sender).map(([, number]) => number)
    t.same(
      numbers,
      Array.from({ length: 50 }, (_, index) => index + 1),
    )
  }
})

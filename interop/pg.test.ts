/** A `:pg` scope of ours beside the BEAM's own: both hold the same groups, whatever came first and whoever leaves. */
import { test } from 'tap'
import { atom, inspect, type PgScope, type Pid, type Term } from '../src/index.ts'
import { waitFor } from './peer.ts'
import { connectedCluster, EX, startCluster, startExPeer, startTsNode, TS } from './support/cluster.ts'
import { Counter } from './support/servers.ts'

/** Starts the scope, joins a process to `theirs`, and keeps its pid in `mine`. */
const THEIR_SCOPE = `
  {:ok, scope} = :pg.start(DS.Scope)
  mine = spawn(fn -> receive do :stop -> :ok end end)
  :ok = :pg.join(DS.Scope, :theirs, mine)
`
const SCOPE = 'Elixir.DS.Scope'

function sees(scope: PgScope, group: Term, count: number): Promise<Pid[]> {
  return waitFor(
    () => {
      const members = scope.members(group)
      return members.length === count && members
    },
    { what: `${count} member(s) of ${inspect(group)}` },
  ) as Promise<Pid[]>
}

test('a scope started on either side first is discovered by the other', async (t) => {
  for (const ours of ['first', 'last'] as const) {
    const { node, peer } = await startCluster(t)
    if (ours === 'last') await peer.eval(THEIR_SCOPE)
    const scope = node.pg(SCOPE)
    const pid = await node.startLink(Counter)
    scope.join('ours', pid)
    await node.connect(EX)
    if (ours === 'first') await peer.eval(THEIR_SCOPE)
    const [theirs] = await sees(scope, atom('theirs'), 1)
    t.equal(theirs?.node, atom(EX))
    await waitFor(async () => (await peer.eval('length(:pg.get_members(DS.Scope, "ours"))')) === '1', {
      what: 'our member',
    })
    t.equal(await peer.eval('hd(:pg.get_members(DS.Scope, "ours")) |> node()'), `:"${TS}"`)
    t.equal(await peer.eval('Enum.sort(:pg.which_groups(DS.Scope))'), '[:theirs, "ours"]')
    t.equal(
      await peer.eval('Process.whereis(DS.Scope) == scope'),
      'true',
      'their scope process has not crashed',
    )
    await node.stop()
    await peer.kill()
  }
})

test('joins, joins of many, leaves and deaths are seen on both sides', async (t) => {
  const { node, peer } = await connectedCluster(t)
  await peer.eval(THEIR_SCOPE)
  const scope = node.pg(SCOPE)
  await sees(scope, atom('theirs'), 1)
  const size = (group: string, count: number) =>
    waitFor(async () => (await peer.eval(`length(:pg.get_members(DS.Scope, ${group}))`)) === String(count), {
      what: `${count} member(s) of ${group} on their side`,
    })

  const [one, two] = [await node.startLink(Counter), await node.startLink(Counter)]
  scope.join(['any', 'term'], [one, two, one])
  await size('["any", "term"]', 3)
  t.ok(scope.leave(['any', 'term'], one))
  await size('["any", "term"]', 2)
  node.exit(one, atom('kill'))
  await size('["any", "term"]', 1)
  node.exit(two, atom('kill'))
  await size('["any", "term"]', 0)
  await waitFor(async () => (await peer.eval(':pg.which_groups(DS.Scope)')) === '[:theirs]', {
    what: 'the group to go',
  })

  await peer.eval(':pg.join(DS.Scope, :theirs, [mine, mine])')
  await sees(scope, atom('theirs'), 3)
  await peer.eval(':pg.leave(DS.Scope, :theirs, mine)')
  await sees(scope, atom('theirs'), 2)
  await peer.eval('send(mine, :stop)')
  await sees(scope, atom('theirs'), 0)
  t.equal(await peer.eval('Process.whereis(DS.Scope) == scope'), 'true')
})

test('a scope that ends or crashes is forgotten, and discovered again', async (t) => {
  const { node, peer } = await connectedCluster(t)
  await peer.eval(THEIR_SCOPE)
  const scope = node.pg(SCOPE)
  const pid = await node.startLink(Counter)
  scope.join('ours', pid)
  await sees(scope, atom('theirs'), 1)
  await peer.eval('Process.exit(scope, :kill)')
  await sees(scope, atom('theirs'), 0)
  await peer.eval(THEIR_SCOPE)
  await sees(scope, atom('theirs'), 1)
  const ours = (count: string) =>
    waitFor(async () => (await peer.eval('length(:pg.get_members(DS.Scope, "ours"))')) === count, {
      what: 'our group',
    })
  await ours('1')
  scope.stop()
  await ours('0')
  node.pg(SCOPE).join('ours', pid)
  await ours('1')
})

test('when a node dies or leaves, its members are gone on the other side', async (t) => {
  const { node, peer, epmdPort } = await connectedCluster(t)
  await peer.eval(THEIR_SCOPE)
  const scope = node.pg(SCOPE)
  await sees(scope, atom('theirs'), 1)
  await peer.kill()
  await sees(scope, atom('theirs'), 0)

  const other = await startExPeer(t, { epmdPort, name: 'other' })
  await other.eval(THEIR_SCOPE)
  const leaver = await startTsNode(t, { epmdPort, name: 'leaver@127.0.0.1' })
  leaver.pg(SCOPE).join('ours', await leaver.startLink(Counter))
  await other.eval('Node.connect(:"leaver@127.0.0.1"); :net_kernel.monitor_nodes(true)')
  const members = () => other.eval('length(:pg.get_members(DS.Scope, "ours"))')
  await waitFor(async () => (await members()) === '1', { what: 'the member of the leaver' })
  await leaver.stop()
  await waitFor(async () => (await members()) === '0', { what: 'the member to be gone' })
  t.equal(
    await other.eval('receive do m -> m after 5000 -> :nothing end'),
    '{:nodedown, :"leaver@127.0.0.1"}',
  )
})

test('changes are told in order while they happen', async (t) => {
  const { node, peer } = await connectedCluster(t)
  const scope = node.pg(SCOPE)
  const seen: string[] = []
  const stop = scope.onChange(
    ({ type, group, pids }) => void seen.push(`${type} ${inspect(group)} ${pids.length}`),
  )
  await peer.eval(THEIR_SCOPE)
  await sees(scope, atom('theirs'), 1)
  await peer.eval(':pg.leave(DS.Scope, :theirs, mine)')
  await sees(scope, atom('theirs'), 0)
  stop()
  t.same(seen, ['join :theirs 1', 'leave :theirs 1'])
})

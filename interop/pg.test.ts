/** A `:pg` scope of ours beside the BEAM's own: both hold the same groups, whatever came first and whoever leaves. */
import { test } from 'tap'
import { atom, float, inspect, type PgScope, type Pid, type Term, tuple } from '../src/index.ts'
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

test('what leaves while the other side knows nothing of it yet is not told to it', async (t) => {
  const { node, peer } = await connectedCluster(t)
  await peer.eval(THEIR_SCOPE)
  const scope = node.pg(SCOPE)
  const pid = await node.startLink(Counter)
  scope.join('brief', pid)
  // Their groups come before they ask for ours.
  const stop = scope.onChange(({ group }) => {
    if (group === atom('theirs')) scope.leave('brief', pid)
  })
  await sees(scope, atom('theirs'), 1)
  stop()
  scope.join('ours', pid)
  await waitFor(async () => (await peer.eval('length(:pg.get_members(DS.Scope, "ours"))')) === '1', {
    what: 'our member',
  })
  t.equal(await peer.eval('Enum.sort(:pg.which_groups(DS.Scope))'), '[:theirs, "ours"]')
  t.equal(
    await peer.eval('Process.whereis(DS.Scope) == scope'),
    'true',
    'their scope process has not crashed',
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

test('a scope that is started again before its end was seen replaces what the old one had', async (t) => {
  const { node, peer } = await connectedCluster(t)
  const scope = node.pg(SCOPE)
  const pid = await node.startLink(Counter)
  scope.join('ours', pid)
  // In one go: our monitor may fire after the new scope has asked.
  await peer.eval(`
    for i <- 1..20 do
      {:ok, scope} = :pg.start(DS.Scope)
      :ok = :pg.join(DS.Scope, {:round, i}, spawn(fn -> Process.sleep(:infinity) end))
      ref = Process.monitor(scope)
      Process.exit(scope, :kill)
      receive do {:DOWN, ^ref, _, _, _} -> :ok end
    end
  `)
  await peer.eval(THEIR_SCOPE)
  await sees(scope, atom('theirs'), 1)
  await waitFor(() => scope.groups().length === 2, {
    what: `the old groups to go, ${scope.groups().map(String)}`,
  })
  await waitFor(async () => (await peer.eval(':pg.get_members(DS.Scope, "ours") |> length()')) === '1', {
    what: 'our group',
  })

  const ours = `:pg.get_members(DS.Scope, "again") |> Enum.map(&node/1)`
  for (let round = 0; round < 20; round++) {
    node.pg(SCOPE).join('again', pid)
    node.pg(SCOPE).stop()
  }
  node.pg(SCOPE).join('again', pid)
  await waitFor(async () => (await peer.eval(ours)) === `[:"${TS}"]`, { what: 'the last of our scopes' })
  t.equal(
    await peer.eval('Process.whereis(DS.Scope) == scope'),
    'true',
    'their scope process has not crashed',
  )
})

test('groups are told apart exactly, in any number of scopes', async (t) => {
  const { node, peer } = await connectedCluster(t)
  const scopes = ['one', 'two', 'three']
  await peer.eval('for s <- [:one, :two, :three], do: {:ok, _} = :pg.start(s)')
  const pid = await node.startLink(Counter)
  for (const name of scopes) {
    node.pg(name).join(1, pid)
    node.pg(name).join(float(1), [pid, pid])
    node.pg(name).join([1, float(2), 'x'], pid)
  }
  const counts =
    'for(s <- [:one, :two, :three], g <- [1, 1.0, [1, 2.0, "x"], [1, 2, "x"]], do: length(:pg.get_members(s, g)))'
  const expected = inspect(scopes.flatMap(() => [1, 2, 1, 0]))
  await waitFor(async () => (await peer.eval(counts)) === expected, { what: expected })
  await peer.eval(
    ':pg.leave(:one, 7, self()); :pg.join(:one, 7.0, self()); :pg.join(:one, {7.0}, [self(), self()])',
  )
  const one = node.pg('one')
  await sees(one, tuple(float(7)), 2)
  t.equal(one.members(float(7)).length, 1)
  t.equal(one.members(7).length, 0)
  t.equal(one.members(tuple(7)).length, 0)
  t.equal(node.pg('two').groups().length, 3)
})

test('monitors of a scope and of a group hear the other side, in order, on both sides', async (t) => {
  const { node, peer } = await connectedCluster(t)
  await peer.eval(THEIR_SCOPE)
  const scope = node.pg(SCOPE)
  await sees(scope, atom('theirs'), 1)
  const ofScope = scope.monitor()
  const ofGroup = scope.monitor({ group: 'g' })
  t.equal(ofScope.initial.get(atom('theirs'))?.length, 1)
  await peer.eval(`
    for g <- ["f", "g"], do: :ok = :pg.join(DS.Scope, g, [mine, mine])
    :pg.leave(DS.Scope, "g", mine)
    send(mine, :stop)
  `)
  const events: string[] = []
  for await (const { type, group, pids } of ofScope) {
    for (const _ of pids) events.push(`${type} ${inspect(group)}`)
    if (events.length === 9) break
  }
  t.same(events.slice(0, 5), ['join "f"', 'join "f"', 'join "g"', 'join "g"', 'leave "g"'])
  t.same(events.slice(5).sort(), ['leave "f"', 'leave "f"', 'leave "g"', 'leave :theirs'])
  ofGroup.stop()
  const types: string[] = []
  for await (const { type, pids } of ofGroup) types.push(`${type} ${pids.length}`)
  t.same(types, ['join 2', 'leave 1', 'leave 1'])

  await peer.eval('{ref, before} = :pg.monitor_scope(DS.Scope); {group, []} = :pg.monitor(DS.Scope, :mine)')
  t.equal(await peer.eval('before'), '%{}')
  const pid = await node.startLink(Counter)
  scope.join(atom('mine'), [pid, pid])
  scope.leave(atom('mine'), pid)
  node.exit(pid, atom('kill'))
  const next = (ref: string) =>
    peer.eval(`receive do {^${ref}, what, g, pids} -> {what, g, length(pids)} after 5000 -> :nothing end`)
  for (const ref of ['ref', 'group']) {
    const heard = [await next(ref), await next(ref), await next(ref)]
    t.same(heard, ['{:join, :mine, 2}', '{:leave, :mine, 1}', '{:leave, :mine, 1}'])
  }
})

test('a peer is spoken to in its own protocol', async (t) => {
  const { node, peer } = await connectedCluster(t)
  await peer.eval(THEIR_SCOPE)
  const scope = node.pg(SCOPE)
  await sees(scope, atom('theirs'), 1)
  const pid = await node.startLink(Counter)
  scope.join('ours', pid)
  await waitFor(async () => (await peer.eval('length(:pg.get_members(DS.Scope, "ours"))')) === '1', {
    what: 'us',
  })
  // What the peer's scope process keeps of ours: from OTP 29 on the version that we speak is beside it.
  const version = await peer.eval(`
    case :sys.get_state(scope) do
      state when elem(state, 0) == :state and is_map(elem(state, 7)) and tuple_size(state) == 10 ->
        [{_, version, _}] = Map.values(elem(state, 7)); version
      _ -> :none
    end
  `)
  const release = await peer.eval(':erlang.system_info(:otp_release) |> List.to_integer()')
  t.equal(version, Number(release) >= 29 ? '1' : ':none', `OTP ${release}`)
})

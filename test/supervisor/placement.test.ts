import { test } from 'tap'
import { type Atom, alias, atom, Pid, type Term } from '../../src/etf/index.ts'
import { HashRing } from '../../src/supervisor/hash-ring.ts'
import { type ClusterView, candidates, losersToEnd, winner } from '../../src/supervisor/placement.ts'

const TS1 = atom('ts1@h')
const TS2 = atom('ts2@h')
const EX1 = atom('ex1@h')
const EX2 = atom('ex2@h')
const ALL = [TS1, TS2, EX1, EX2]

function view(nodes: readonly Atom[] = ALL, claims: Record<string, Atom[]> = {}): ClusterView {
  return {
    ring: new HashRing(nodes),
    atomKeys: 'utf8',
    declared: new Set([TS1, TS2]),
    elixir: new Set(),
    isReachable: () => true,
    claims: (module) => new Set(claims[module.name] ?? []),
  }
}

function pid(node: Atom, id = 1): Pid {
  return new Pid(node, id, 0, 1)
}

const COUNTER = alias('Counter')

test('a module that TypeScript nodes claim goes to those, in the order of the ring', async (t) => {
  const cluster = view(ALL, { 'Elixir.Counter': [TS1, TS2] })
  for (let i = 0; i < 50; i++) {
    const expected = cluster.ring.nodesFor(i).filter((node) => node === TS1 || node === TS2)
    t.same(candidates(cluster, i, COUNTER), expected)
  }
})

test('a module that no TypeScript node claims is Elixir’s', async (t) => {
  const cluster = view()
  const found = candidates(cluster, 'name', COUNTER)
  t.same(new Set(found), new Set([EX1, EX2]))
})

test('a claim of a node outside the ring counts for nothing', async (t) => {
  t.same(candidates(view([TS1, EX1], { 'Elixir.Counter': [TS2] }), 'name', COUNTER), [])
})

test('the owner on the node that the ring names keeps the name', async (t) => {
  const cluster = view()
  for (let i = 0; i < 50; i++) {
    const owner = cluster.ring.nodeFor(i)!
    const other = ALL.find((node) => node !== owner)!
    t.equal(winner(cluster, i, [pid(other), pid(owner)])?.node, owner)
    t.equal(
      winner(
        cluster,
        i,
        ALL.map((node) => pid(node)),
      )?.node,
      owner,
    )
  }
})

test('nodes that see more or less of the cluster agree on the winner', async (t) => {
  const owners = [pid(TS2), pid(EX2)]
  for (let i = 0; i < 200; i++) {
    const all = winner(view(ALL), i, owners)
    t.equal(winner(view([EX2, TS2]), i, owners), all)
    t.equal(winner(view([EX2, TS1, TS2]), i, [...owners].reverse()), all)
  }
})

test('an owner in the ring wins over one outside; outside it the order is fixed too', async (t) => {
  const cluster = view([TS1])
  t.equal(winner(cluster, 'name', [pid(EX1), pid(TS1)])?.node, TS1)
  const outside = [pid(EX1), pid(EX2), pid(TS2)]
  t.equal(winner(cluster, 'name', outside), winner(cluster, 'name', [...outside].reverse()))
})

test('two owners on one node resolve in term order', async (t) => {
  t.equal(winner(view([TS1]), 'name', [pid(TS1, 9), pid(TS1, 3)])?.id, 3)
  t.equal(winner(view(), 'name', []), undefined)
})

test('every loser is ended by exactly one of our nodes', async (t) => {
  const cluster = view()
  const owners = ALL.map((node) => pid(node))
  for (let i = 0; i < 40; i++) {
    const kept = winner(cluster, i as Term, owners)!
    const ended = [TS1, TS2].flatMap((self) => losersToEnd(cluster, self, owners, kept))
    t.same(new Set(ended), new Set(owners.filter((owner) => owner !== kept)))
    t.equal(ended.length, 3)
  }
})

test('a node ends its own loser itself', async (t) => {
  const owners = [pid(TS1), pid(TS2)]
  t.same(losersToEnd(view(), TS1, owners, owners[1]!), [owners[0]])
  t.same(losersToEnd(view(), TS2, owners, owners[1]!), [])
})

test('a conflict that the first of ours does not settle, as it does not see all owners, is settled by the next', async (t) => {
  const owners = [pid(EX1), pid(EX2)]
  const ends = (self: Atom, looks: number) => losersToEnd(view(), self, owners, owners[0]!, looks)
  t.same(ends(TS1, 0), [owners[1]])
  t.same(ends(TS2, 0), [])
  t.same(ends(TS2, 1), [owners[1]])
  const kept = [pid(TS2), pid(EX2)]
  t.same(losersToEnd(view(), TS1, kept, kept[0]!, 0), [])
  t.same(losersToEnd(view(), TS1, kept, kept[0]!, 1), [kept[1]])
})

/** Atoms by reference: a BEAM reads ours and we read its, with more atoms than the cache has slots. */
import { randomInt } from 'node:crypto'
import { test } from 'tap'
import { type Atom, atom, type BeamNode, type Encodable, type Term, type Tuple, tuple } from '../src/index.ts'
import { type Peer, waitFor } from './peer.ts'
import { randomNumbers } from './support/arbitrary-terms.ts'
import { connectedCluster, EX, part, TS } from './support/cluster.ts'

/** Sends back what it gets, and the text of each atom in it as a binary. */
const ECHO = `
  spawn(fn ->
    Process.register(self(), :echo)
    Stream.repeatedly(fn ->
      receive do {from, i, atoms} -> send(from, {i, atoms, Enum.map(atoms, &:erlang.atom_to_binary/1)}) end
    end) |> Stream.run()
  end)`

/** 6000 atoms: three times the slots, so that they take them from each other; some with texts of more than 255 bytes. */
function manyAtoms(prefix: string): Atom[] {
  return Array.from({ length: 6000 }, (_, i) => {
    const name = `${prefix}_${i}`
    if (i % 500 === 0) return atom(`${name}_${'ż'.repeat(200)}`)
    return i % 97 === 0 ? atom(`${name}_${'x'.repeat(255 - name.length - 1)}`) : atom(name)
  })
}

/** Sends lists of atoms to the echo, many at a time, and compares what comes back. */
async function echoAll(node: BeamNode, lists: readonly (readonly Atom[])[]): Promise<string[]> {
  const wrong: string[] = []
  await new Promise<void>((resolve) => {
    node.spawn(async (self) => {
      for (let start = 0; start < lists.length; start += 50) {
        const some = lists.slice(start, start + 50)
        for (const [i, list] of some.entries()) {
          self.send(['echo', EX], tuple(self.pid, start + i, list as Encodable))
        }
        for (let i = 0; i < some.length; i++) {
          const [index, atoms, texts] = (await self.receive()) as Tuple<[number, Atom[], string[]]>
          const sent = lists[index]!
          if (index !== start + i) wrong.push(`${index} in place of ${start + i}`)
          sent.forEach((each, at) => {
            if (atoms[at] !== each || texts[at] !== each.name)
              wrong.push(`${index}: ${each} came back as ${texts[at]}`)
          })
        }
      }
      resolve()
    })
  })
  return wrong
}

function randomLists(atoms: readonly Atom[], random: () => number, count: number): Atom[][] {
  return Array.from({ length: count }, () =>
    // A few atoms are in most messages, most of them now and then.
    Array.from(
      { length: 1 + Math.floor(random() * 12) },
      () => atoms[Math.floor(random() ** 3 * atoms.length)]!,
    ),
  )
}

test('a BEAM reads what we send by reference, also after atoms have taken slots of others', async (t) => {
  const seed = randomInt(2 ** 31)
  t.comment(`seed ${seed}`)
  const { node, peer } = await connectedCluster(t, { peer: { library: false } })
  await peer.eval(ECHO)
  const atoms = manyAtoms('cache_out')
  t.same(await echoAll(node, randomLists(atoms, randomNumbers(seed), 2000)), [])

  await t.test('more atoms in one message than a header can have', async (t) => {
    t.same(await echoAll(node, [atoms.slice(0, 2500), atoms.slice(0, 256), atoms.slice(100, 700)]), [])
  })

  await t.test('a message that cannot be sent leaves no trace', async (t) => {
    for (let i = 0; i < 50; i++) {
      const bad = [...atoms.slice(i * 10, i * 10 + 10), (() => {}) as unknown as Encodable]
      t.throws(() => node.send(['echo', EX], bad), { code: 'ERR_ETF_NOT_A_TERM' })
      const wrong = await echoAll(node, [atoms.slice(i * 10 + 5, i * 10 + 15)])
      if (wrong.length > 0) t.fail(wrong.join('; '))
    }
  })

  await t.test('with messages in fragments between', async (t) => {
    const big = 'x'.repeat(300_000)
    for (let i = 0; i < 20; i++) {
      node.send(['echo', EX], tuple(node.self, -1, atoms.slice(i * 20, i * 20 + 20), big))
      node.send(['nobody', EX], [atoms.slice(i * 31, i * 31 + 60), big])
    }
    t.same(await echoAll(node, randomLists(atoms, randomNumbers(seed + 1), 200)), [])
  })

  await t.test('a new connection begins with an empty cache', async (t) => {
    for (let i = 0; i < 3; i++) {
      await part(node, peer)
      if (i % 2 === 0) await node.connect(EX)
      else t.equal(await peer.eval(`Node.connect(:"${TS}")`), 'true')
      t.same(await echoAll(node, randomLists(atoms, randomNumbers(seed + 2 + i), 200)), [])
    }
  })
})

test('we read what a BEAM sends by reference, with more atoms than slots, long ones too', async (t) => {
  const { node, peer } = await connectedCluster(t, { peer: { library: false } })
  const received = await collect(node, peer, 400)
  const wrong = received.filter((message) => {
    const [, atoms, texts] = message as Tuple<[number, Atom[], string[]]>
    return !texts.every((text, at) => atoms[at] === atom(text))
  })
  t.equal(wrong.length, 0)
  t.same(
    received.map((message) => (message as Tuple)[0]),
    Array.from({ length: 400 }, (_, i) => i + 1),
  )
})

/** The BEAM sends messages of atoms and their texts: 4000 different ones, each in several messages. */
async function collect(node: BeamNode, peer: Peer, count: number): Promise<Term[]> {
  const received: Term[] = []
  const all = new Promise<void>((resolve) => {
    node.spawn(async (self) => {
      self.register('collect')
      while (received.length < count) received.push(await self.receive())
      resolve()
    })
  })
  await waitFor(() => node.whereis('collect'), { what: 'the collector' })
  await peer.eval(`
    text = fn i ->
      name = "cache_in_#{i}"
      if rem(i, 300) == 0, do: name <> "_" <> String.duplicate("ü", 200), else: name
    end
    for i <- 1..${count} do
      texts = for j <- 0..30, do: text.(rem(i * 17 + j * 131, 4000))
      send({:collect, :"${TS}"}, {i, Enum.map(texts, &String.to_atom/1), texts})
    end
    :ok`)
  await all
  return received
}

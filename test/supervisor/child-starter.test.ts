/** How often a start is passed on: between nodes that all take each other for able to run a module that none of them has. */
import { test } from 'tap'
import { type Atom, alias, atom, inspect, Pid, type Term, tuple } from '../../src/etf/index.ts'
import { parseChildSpec } from '../../src/supervisor/child-spec.ts'
import { ChildStarter } from '../../src/supervisor/child-starter.ts'
import { HashRing } from '../../src/supervisor/hash-ring.ts'
import { viaTuple } from '../../src/supervisor/names.ts'
import { readAnswer } from '../../src/supervisor/remote-supervisors.ts'

const GHOST = alias('Ghost')
const NODES = ['a@a', 'b@b', 'c@c', 'd@d'].map((name) => atom(name))
const UNDEF = '{:error, {:undef, Ghost}}'

const spec = parseChildSpec(
  new Map<Term, Term>([
    [atom('id'), 'x'],
    [atom('start'), tuple(GHOST, atom('start_link'), [[]]) as Term],
  ]),
)

/** Starters that reach each other, and what they asked: `from to hops`. */
function confused(canRun: (node: Atom) => boolean = () => false) {
  const asked: { to: Atom; hops: number }[] = []
  const started: Atom[] = []
  const starters = new Map<Atom, ChildStarter>()
  for (const self of NODES) {
    const startHere = async () => {
      started.push(self)
      return atom('ok') as Term
    }
    const passOnToPeer = async (to: Atom, _spec: unknown, hops: number) => {
      asked.push({ to, hops })
      const starter = starters.get(to)!
      const answer = await (starter.passOn(spec, hops) ?? startedAt(to))
      return readAnswer(answer, GHOST)
    }
    const parts = {
      supervisor: alias('DS'),
      cluster: {
        self,
        ring: new HashRing(NODES),
        atomKeys: 'utf8',
        declared: new Set(NODES),
        elixir: new Set(),
        claims: () => new Set(NODES),
        isReachable: () => true,
      },
      registry: { homeOfLost: () => undefined, startedElsewhere: () => {} },
      remote: { passOnToPeer },
      runsHere: () => canRun(self),
      startHere,
    }
    starters.set(self, new ChildStarter(parts as never))
  }
  async function startedAt(node: Atom): Promise<Term> {
    started.push(node)
    return atom('ok')
  }
  return { asked, started, starters }
}

test('a start that nobody can run is passed on three times and then refused', async (t) => {
  const { asked, starters } = confused()
  t.equal(inspect(await starters.get(NODES[0]!)!.passOn(spec)!), UNDEF)
  t.same(new Set(asked.map(({ hops }) => hops)), new Set([1, 2, 3]))
})

test('who gets it after the third time asks nobody, and runs it or refuses it', async (t) => {
  const { asked, starters } = confused((node) => node === NODES[1])
  t.equal(inspect(await starters.get(NODES[0]!)!.passOn(spec, 3)!), UNDEF)
  t.equal(starters.get(NODES[1]!)!.passOn(spec, 3), undefined, 'its own to run')
  t.same(asked, [])
})

test('a name that the hex package finds taken, by whom it does not say, is taken by whom we see', async (t) => {
  const hex = atom('hex@h')
  const owner = new Pid(hex, 7, 0, 1)
  for (const [seen, expected] of [
    [owner, tuple(atom('already_started'), owner)],
    [undefined, tuple(atom('already_started'), atom('unsupported'))],
  ] as const) {
    const refusal = tuple(atom('error'), tuple(atom('already_started'), atom('unsupported'))) as Term
    const starter = new ChildStarter({
      supervisor: alias('DS'),
      cluster: { self: NODES[0], declared: new Set(NODES) },
      registry: { whereis: (name: Term) => (name === 'x' ? seen : undefined), startedElsewhere: () => {} },
      remote: { start: async () => ({ type: 'answer', answer: refusal }) },
    } as never)
    const via = viaTuple(alias('DS'), 'x')
    const named = { ...spec, start: { ...spec.start, args: [[tuple(atom('name'), via)] as unknown as Term] } }
    t.same(await starter.start({ name: 'x', spec: named }, hex), tuple(atom('error'), expected))
  }
})

test('who can run it is found past those who cannot', async (t) => {
  const { started, starters } = confused((node) => node === NODES[3])
  t.equal(String(await starters.get(NODES[0]!)!.passOn(spec)!), 'ok')
  t.same(started, [NODES[3]])
})

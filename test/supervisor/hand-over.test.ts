/** What the answer of the node that a child moves to means. */
import { test } from 'tap'
import { silentLogger } from '../../src/core/index.ts'
import { type Atom, atom, Pid, type Term, tuple } from '../../src/etf/index.ts'
import type { ChildSpec } from '../../src/supervisor/child-spec.ts'
import { Released } from '../../src/supervisor/child-supervisor.ts'
import { HandOver, type HandOverParts } from '../../src/supervisor/hand-over.ts'

const [HERE, HOME] = ['here@h', 'home@h'].map((name) => atom(name)) as [Atom, Atom]
const spec = {
  id: 'a',
  start: { module: atom('Elixir.M'), fun: atom('start_link'), args: [] },
} as unknown as ChildSpec
const old = new Pid(HERE, 5, 0, 1)

/**
 * A move of a child to a node of the hex package that answers so, the last answer again and again; with the
 * specifications that were forgotten.
 */
async function moveTo(...answers: Term[]) {
  const forgotten: ChildSpec[] = []
  let asked = 0
  let now = 0
  const after = (ms: number, done: () => void) => {
    now += ms
    queueMicrotask(done)
  }
  const passOn = async () => {
    now += 1
    return { type: 'answer', answer: answers[Math.min(asked++, answers.length - 1)] }
  }
  const parts = {
    host: { name: HERE, logger: silentLogger, clock: { now: () => now, after } },
    supervisor: atom('DS'),
    cluster: {
      atomKeys: 'utf8',
      declared: new Set([HERE]),
      claims: () => new Set(),
      isReachable: () => true,
      ring: { nodes: [HOME], nodesFor: () => [HOME], has: () => true },
    },
    registry: { leave: () => {} },
    remote: { passOn, isMemberAt: async () => false },
    release: async () => new Released(undefined),
    forget: (one: ChildSpec) => forgotten.push(one),
  } as unknown as HandOverParts
  const result = await new HandOver(parts).moveAway({ pid: old, spec, name: tuple('a', 1) as Term })
  return { result, forgotten, asked, took: now }
}

const alreadyStarted = (pid: Pid) => tuple(atom('error'), tuple(atom('already_started'), pid)) as Term

test('a node that still takes the old instance for the owner has not taken the child over', async (t) => {
  const { result, forgotten } = await moveTo(alreadyStarted(old))
  t.equal(result.type, 'failed')
  t.same(forgotten, [], 'somebody is to start it again')
})

test('a node that has not read of the end yet is asked again', async (t) => {
  const there = new Pid(HOME, 9, 0, 1)
  const started = tuple(atom('ok'), there) as Term
  const { result, asked } = await moveTo(alreadyStarted(old), alreadyStarted(old), started)
  t.match(result, { type: 'moved', node: HOME, pid: there })
  t.equal(asked, 3)
})

test('a node that never reads of the end is asked for a second', async (t) => {
  const { result, asked, took } = await moveTo(alreadyStarted(old))
  t.equal(result.type, 'failed')
  t.ok(asked > 10 && took >= 1000 && took < 1100, `${asked} times in ${took} ms`)
})

test('a child that somebody else has started there meanwhile has moved', async (t) => {
  const there = new Pid(HOME, 9, 0, 1)
  const { result, forgotten } = await moveTo(alreadyStarted(there))
  t.match(result, { type: 'moved', node: HOME, pid: there })
  t.same(forgotten, [spec])
})

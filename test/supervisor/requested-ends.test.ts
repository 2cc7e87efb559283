import { test } from 'tap'
import { silentLogger } from '../../src/core/index.ts'
import { type Atom, atom, inspect, Pid, type Term } from '../../src/etf/index.ts'
import { HashRing } from '../../src/supervisor/hash-ring.ts'
import { RequestedEnds } from '../../src/supervisor/requested-ends.ts'
import { FakeClock } from '../../src/testing/index.ts'

const SELF = atom('a@a')
const OTHER = atom('b@b')
const ASKER = atom('hex@h')
const NAME = 'x'

/** The process `number` of a node. */
const processOf = (node: Atom, number: number) => new Pid(node, number, 0, 1)

const MINE = processOf(SELF, 1)
const RIVAL = processOf(OTHER, 2)

interface Situation {
  /** Whom the asker takes for owners; undefined when it does not say. */
  readonly seen?: Pid[]
  readonly alive?: Pid[]
  readonly declared?: Atom[]
  /** The latest member of the ring, which these tests give every name to. */
  readonly owner?: Atom
}

function situation({ seen = [MINE], alive = [MINE], declared = [SELF], owner = SELF }: Situation) {
  const clock = new FakeClock()
  const seenNow = { pids: seen }
  const log: string[] = []
  const ends = new RequestedEnds({
    host: { name: SELF, clock, logger: silentLogger },
    names: { name: atom('Elixir.DS') } as never,
    cluster: {
      ring: new HashRing([owner]),
      atomKeys: 'utf8',
      declared: new Set(declared),
      elixir: new Set(),
      claims: () => new Set(),
      isReachable: () => true,
    },
    book: {
      whois: (pid) => (pid.equals(MINE) ? NAME : undefined),
      rejoin: (name) => void log.push(`rejoin ${inspect(name)}`),
    },
    remote: {
      membersAt: async (node) => {
        log.push(`ask ${node}`)
        return seenNow.pids
      },
    },
    actions: {
      isAlive: async (pid) => alive.some((one) => one.equals(pid)),
      end: async (_pid: Pid, reason: Term) => void log.push(inspect(reason)),
    },
  })
  return { clock, ends, log, seenNow }
}

test('an end is a wish when the asker sees one owner, or none, or does not say', async (t) => {
  for (const seen of [[MINE], []]) {
    const { ends, log } = situation({ seen })
    t.equal(await ends.settle(MINE, ASKER), undefined)
    t.same(log, [`ask ${ASKER}`])
  }
})

test('nodes that settle conflicts themselves are not asked, nor anybody about a process that is no child', async (t) => {
  const { ends, log } = situation({ seen: [MINE, RIVAL], declared: [SELF, ASKER] })
  t.equal(await ends.settle(MINE, ASKER), undefined)
  t.equal(await ends.settle(MINE, SELF), undefined)
  t.equal(await ends.settle(processOf(SELF, 3), OTHER), undefined)
  t.same(log, [])
})

test('a rival that lives, and that the ring names, stays', async (t) => {
  const { ends, log } = situation({ seen: [MINE, RIVAL], alive: [MINE, RIVAL], owner: OTHER })
  t.equal(String(await ends.settle(MINE, ASKER)), 'ok')
  t.match(log.at(-1), /^\{:shutdown, \{:name_conflict, "x", #PID<.*>\}\}$/)
})

test('a rival that lives and that the ring does not name changes nothing', async (t) => {
  const { ends, log } = situation({ seen: [MINE, RIVAL], alive: [MINE, RIVAL] })
  t.equal(inspect(await ends.settle(MINE, ASKER)), '{:error, :name_conflict}')
  t.same(log, [`ask ${ASKER}`])
})

test('a rival that is gone changes nothing, and the asker is shown the child once it has noticed', async (t) => {
  const { clock, ends, log, seenNow } = situation({ seen: [RIVAL, MINE], owner: OTHER })
  t.equal(inspect(await ends.settle(MINE, ASKER)), '{:error, :name_conflict}')
  await clock.elapse(3_500)
  t.same(new Set(log), new Set([`ask ${ASKER}`]))
  seenNow.pids = [MINE]
  await clock.elapse(1_000)
  t.equal(log.at(-1), 'rejoin "x"')
  const { length } = log
  await clock.elapse(10_000)
  t.equal(log.length, length, 'once')
  t.equal(clock.pending, 0)
})

test('after stop nobody is asked any more', async (t) => {
  const { clock, ends, log } = situation({ seen: [RIVAL, MINE] })
  await ends.settle(MINE, ASKER)
  ends.stop()
  await clock.elapse(10_000)
  t.same(log, [`ask ${ASKER}`])
})

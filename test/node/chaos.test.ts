/** Two nodes that talk while their network misbehaves: whatever happens, nobody waits for ever and nothing is left. */
import { test } from 'tap'
import type { Encodable, Pid, Term } from '../../src/etf/index.ts'
import { type From, GenServer, reply } from '../../src/runtime/index.ts'
import { randomFrom } from '../support/random.ts'
import { nodeEvents, TestNodes } from '../support/two-nodes.ts'

const SEEDS = 20
const NONE = { calls: 0, aliases: 0, remoteMonitors: 0, spawns: 0 }

class Echo extends GenServer<null> {
  override init() {
    return null
  }

  override handleCall(request: Term, _from: From) {
    return reply(request as Encodable, null)
  }
}

test(`calls, monitors and links across resets, cuts and disconnects all come to an end (${SEEDS} seeds)`, async (t) => {
  for (let seed = 0; seed < SEEDS; seed++) {
    const random = randomFrom(seed)
    const below = (n: number): number => Math.floor(random() * n)
    const nodes = new TestNodes(t, { delay: below(8), ...(below(3) === 0 ? { chunkBytes: 7 } : {}) })
    const a = await nodes.start('a', { netTicktime: 8 })
    const b = await nodes.start('b', { netTicktime: 8 })
    const both = [a, b] as const
    const events = both.map(nodeEvents)
    for (const node of both) await node.startLink(Echo, undefined, { name: 'echo' })

    let open = 0
    const outcomes: Record<string, number> = {}
    const count = (outcome: string): void => {
      open--
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
    }
    const idle = both.map((node) => node.spawn((self) => self.receive(() => false))) as [Pid, Pid]
    const act = (): void => {
      const from = below(2)
      const [node, other] = [both[from]!, both[1 - from]!]
      switch (below(9)) {
        case 0:
        case 1:
        case 2:
          open++
          node.call(['echo', other.name], 'hi', { timeout: 'infinity' }).then(
            () => count('reply'),
            (error: { code: string }) => count(error.code),
          )
          break
        case 3:
          open++
          node.monitor(idle[1 - from]!, (reason) => count(String(reason)))
          break
        case 4:
          open++
          node.spawn(async (self) => {
            self.trapExit = true
            self.link(idle[1 - from]!)
            await self.receive()
            count('EXIT')
          })
          break
        case 5:
          nodes.network.reset('a', 'b')
          break
        case 6:
          nodes.network.cut('a', 'b', { oneWay: below(2) === 0 })
          nodes.clock.after(below(15_000), () => nodes.network.heal())
          break
        case 7:
          node.disconnect(other.name)
          break
        default:
          node.connect(other.name).catch(() => {})
      }
    }
    for (let n = 0; n < 60; n++) nodes.clock.after(below(20_000), act)
    await nodes.elapse(20_000)
    nodes.network.heal()
    await nodes.elapse(30_000)
    // What is still watched is watched over a connection that is up; when it goes, that ends too.
    t.same(a.nodes().length, b.nodes().length, `seed ${seed}: both agree whether they are connected`)
    a.disconnect(b.name)
    await nodes.elapse(30_000)
    // The processes that were linked are gone or broken; nobody waits.
    const left = [a.runtime.pending(), b.runtime.pending()]
    if (!t.same({ open, left }, { open: 0, left: [NONE, NONE] }, `seed ${seed} ${JSON.stringify(outcomes)}`))
      break
    t.equal(await nodes.during(a.call(['echo', b.name], 'after all')), 'after all')
    for (const seen of events) {
      const alternate = seen.every((event, index) => event.startsWith(index % 2 === 0 ? 'up' : 'down'))
      if (!t.ok(alternate, `seed ${seed}: nodeup and nodedown take turns`)) t.comment(seen)
    }
    await nodes.stop()
  }
})

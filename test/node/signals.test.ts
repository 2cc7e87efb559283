/** Processes of two nodes over the whole stack: codec, frames, connection, bridge, runtime. */
import { type Test, test } from 'tap'
import type { BeamNode } from '../../src/beam-node.ts'
import {
  atom,
  type Encodable,
  float,
  type Pid,
  type Reference,
  type Term,
  Tuple,
  termEquals,
  tuple,
} from '../../src/etf/index.ts'
import { ExitError, type From, GenServer, noreply, reply, stop } from '../../src/runtime/index.ts'
import { failure, TestNodes, type TestNodesOptions } from '../support/two-nodes.ts'

const NORMAL = atom('normal')
const BOOM = atom('boom')
const NONE = { calls: 0, aliases: 0, remoteMonitors: 0, spawns: 0 }

/** Does what it is told. */
class Worker extends GenServer<Term[]> {
  override init() {
    return []
  }

  override handleCall(request: Term, from: From, seen: Term[]) {
    switch (request instanceof Tuple ? request[0] : request) {
      case atom('seen'):
        return reply(seen as Encodable, seen)
      case atom('never'):
        return noreply(seen)
      case atom('later'):
        this.self.sendAfter(this.pid, tuple(atom('reply'), from), 100)
        return noreply(seen)
      case atom('stop'):
        return stop(BOOM, seen)
      default:
        return reply(request as Encodable, seen)
    }
  }

  override handleCast(request: Term, seen: Term[]) {
    return noreply([...seen, tuple(atom('cast'), request as Encodable) as Term])
  }

  override handleInfo(message: Term, seen: Term[]) {
    if (message instanceof Tuple && message[0] === atom('reply')) {
      this.reply(message[1] as From, 'late')
      return noreply(seen)
    }
    return noreply([...seen, message])
  }
}

/** Runs the test with the two nodes in both roles. */
function bothWays(
  name: string,
  run: (t: Test, one: BeamNode, other: BeamNode, nodes: TestNodes) => Promise<void>,
  options: TestNodesOptions = {},
): void {
  test(name, async (t) => {
    for (const dialerFirst of [true, false]) {
      const nodes = new TestNodes(t, options)
      const [a, b] = await nodes.pair()
      await run(t, dialerFirst ? a : b, dialerFirst ? b : a, nodes)
      await nodes.settle()
      t.same([a.runtime.pending(), b.runtime.pending()], [NONE, NONE], 'nothing is left behind')
    }
  })
}

const worker = (node: BeamNode): Promise<Pid> => node.startLink(Worker, undefined, { name: 'worker' })

bothWays('a call by pid and by name brings the reply', async (t, one, other) => {
  const pid = await worker(other)
  t.equal(await one.call(pid, 'by pid'), 'by pid')
  t.equal(await one.call(['worker', other.name], 'by name'), 'by name')
  t.equal(await one.call([atom('worker'), other.name.name], 'by atom'), 'by atom')
})

const TERMS: readonly Encodable[] = [
  0,
  -1,
  2 ** 53 - 1,
  2n ** 64n,
  1.5,
  true,
  false,
  null,
  '',
  'grüße',
  atom('ok'),
  [],
  [1, [2, [3]]],
  tuple(),
  tuple(atom('ok'), tuple(1, 2)),
  new Map<Encodable, Encodable>([
    ['key', 1],
    [atom('key'), [2]],
  ]),
  new Uint8Array([0, 255, 128]),
]

bothWays('terms of every kind survive the way there and back', async (t, one, other) => {
  const pid = await worker(other)
  for (const term of TERMS) {
    t.ok(
      termEquals(await one.call(pid, tuple(atom('echo'), term)), tuple(atom('echo'), term) as Term),
      String(term),
    )
  }
})

bothWays('messages and casts arrive in order, those to a pid and to its name too', async (t, one, other) => {
  const pid = await worker(other)
  for (let n = 0; n < 300; n += 3) {
    one.send(pid, n)
    one.send(['worker', other.name], n + 1)
    one.cast(pid, n + 2)
  }
  const seen = (await one.call(pid, atom('seen'))) as Term[]
  t.equal(seen.length, 300)
  t.ok(
    seen.every((message, n) => (message instanceof Tuple ? message[1] : message) === n),
    'in order',
  )
})

bothWays('a binary of a mebibyte goes there and back', async (t, one, other) => {
  const pid = await worker(other)
  const bytes = new Uint8Array(1024 * 1024)
  for (let n = 0; n < bytes.length; n++) bytes[n] = (n * 7 + (n >> 8)) & 255
  bytes[0] = 255
  const echoed = await one.call(pid, bytes)
  t.ok(echoed instanceof Uint8Array && Buffer.compare(echoed, bytes) === 0)
  const text = 'ä'.repeat(512 * 1024)
  t.ok((await one.call(pid, text)) === text)
})

bothWays(
  'everything works in pieces of a few bytes',
  async (t, one, other) => {
    const pid = await worker(other)
    const list = Array.from({ length: 500 }, (_, n) => tuple(atom(`key${n % 50}`), 'x'.repeat(n % 70)))
    t.ok(termEquals(await one.call(pid, list), list as unknown as Term))
  },
  { chunkBytes: 3 },
)

bothWays('small messages between the pieces of a large one keep their order', async (t, one, other) => {
  const pid = await worker(other)
  const large = new Uint8Array(300_000).fill(200)
  for (let n = 0; n < 20; n++) {
    one.send(pid, n)
    one.send(pid, large)
  }
  const seen = (await one.call(pid, atom('seen'))) as Term[]
  t.same(
    seen.filter((message) => typeof message === 'number'),
    Array.from({ length: 20 }, (_, n) => n),
  )
  t.ok(seen.every((message, n) => (n % 2 === 0 ? message === n / 2 : message instanceof Uint8Array)))
})

bothWays('many calls at a time get each their own reply', async (t, one, other) => {
  const pid = await worker(other)
  const replies = await Promise.all(Array.from({ length: 500 }, (_, n) => one.call(pid, n)))
  t.same(
    replies,
    Array.from({ length: 500 }, (_, n) => n),
  )
})

bothWays('a call to nobody is noproc', async (t, one, other) => {
  t.match(await failure(one.call(['nobody', other.name], 'hi')), { code: 'noproc', reason: atom('noproc') })
  const gone = other.spawn(() => {})
  await worker(other)
  await one.call(['worker', other.name], 'the other one has ended meanwhile')
  t.match(await failure(one.call(gone, 'hi')), { code: 'noproc' })
})

bothWays(
  'a call that gets no reply in time is a timeout, and a late reply goes nowhere',
  async (t, one, other, nodes) => {
    const pid = await worker(other)
    const messages: Term[] = []
    one.runtime.onMessage = (message) => void messages.push(message)
    t.match(await failure(nodes.during(one.call(pid, atom('later'), { timeout: 50 }))), {
      code: 'timeout',
      reason: atom('timeout'),
    })
    await nodes.elapse(200)
    t.same(messages, [])
    t.equal(await nodes.during(one.call(pid, atom('later'), { timeout: 500 })), 'late')
  },
)

bothWays('the default timeout of a call is five seconds', async (t, one, other, nodes) => {
  const pid = await worker(other)
  const call = failure(one.call(pid, atom('never')))
  await nodes.settle()
  await nodes.elapse(4900)
  t.equal(one.runtime.pending().calls, 1)
  await nodes.elapse(100)
  t.match(await call, { code: 'timeout' })
})

bothWays(
  'a call to a server that ends before it answers is an exit with its reason',
  async (t, one, other) => {
    const pid = await worker(other)
    t.match(await failure(one.call(pid, atom('stop'))), { code: 'exit', reason: BOOM })
  },
)

bothWays('a call is given up by its signal', async (t, one, other, nodes) => {
  const pid = await worker(other)
  const abort = new AbortController()
  const call = failure(one.call(pid, atom('never'), { signal: abort.signal }))
  await nodes.settle()
  abort.abort(new Error('enough'))
  t.match(await call, { message: 'enough' })
})

bothWays('a monitor brings the exit reason, whatever the reason is', async (t, one, other, nodes) => {
  const reasons: Term[] = []
  for (const reason of [NORMAL, BOOM, tuple(atom('shutdown'), 'text'), 'text', 17]) {
    const pid = other.spawn(async (self) => {
      await self.receive()
      throw new ExitError(reason)
    })
    one.monitor(pid, (down) => void reasons.push(down))
    one.send(pid, 'go')
  }
  one.monitor(['nobody', other.name], (down) => void reasons.push(down))
  await nodes.until(() => reasons.length === 6)
  t.equal(
    String(reasons),
    String([atom('noproc'), NORMAL, BOOM, tuple(atom('shutdown'), 'text'), 'text', 17]),
  )
})

bothWays(
  'a monitor that was taken back is silent, and gone on the other node',
  async (t, one, other, nodes) => {
    const pid = other.spawn((self) => self.receive())
    let told = 0
    const ref = one.monitor(pid, () => void told++)
    await nodes.settle()
    t.equal(other.runtime.pending().remoteMonitors, 1)
    t.equal(one.demonitor(ref), true)
    await nodes.settle()
    t.equal(other.runtime.pending().remoteMonitors, 0)
    one.send(pid, 'end')
    await nodes.settle()
    t.equal(told, 0)
  },
)

bothWays(
  'an exception reaches the other node as a reason that it can print',
  async (t, one, other, nodes) => {
    const reasons: Term[] = []
    const pid = other.spawn(async (self) => {
      await self.receive()
      throw new TypeError('broken')
    })
    one.monitor(pid, (down) => void reasons.push(down))
    one.send(pid, 'go')
    await nodes.until(() => reasons.length === 1)
    const [exception] = reasons[0] as Tuple<[Map<Term, Term>, Term]>
    t.equal(exception.get(atom('message')), 'TypeError: broken')
  },
)

bothWays('an exit reason that has no term arrives all the same', async (t, one, other, nodes) => {
  const reasons: Term[] = []
  const pid = other.spawn(async (self) => {
    await self.receive()
    throw new ExitError(Symbol('no term') as unknown as Encodable)
  })
  one.monitor(pid, (down) => void reasons.push(down))
  one.send(pid, 'go')
  await nodes.until(() => reasons.length === 1)
  t.match(reasons[0], { 0: atom('unencodable') })
  t.equal(await one.ping(other.name), 'pong')
})

bothWays('linked processes end together, those that trap get a message', async (t, one, other, nodes) => {
  const got: Term[] = []
  const victim = other.spawn((self) => self.receive())
  const linked = one.spawn(async (self) => {
    self.link(victim)
    await self.receive(() => false)
  })
  const trapping = one.spawn(async (self) => {
    self.trapExit = true
    self.link(victim)
    got.push(await self.receive())
  })
  await nodes.settle()
  other.exit(victim, BOOM)
  await nodes.until(() => got.length === 1)
  t.ok(termEquals(got[0] as Term, tuple(atom('EXIT'), victim, BOOM) as Term))
  await nodes.until(() => !one.runtime.isAlive(linked) && !one.runtime.isAlive(trapping))
})

bothWays('a link to nobody is an exit with noproc', async (t, one, other, nodes) => {
  const gone = other.spawn(() => {})
  await nodes.settle()
  const got: Term[] = []
  one.spawn(async (self) => {
    self.trapExit = true
    self.link(gone)
    got.push(await self.receive())
  })
  await nodes.until(() => got.length === 1)
  t.ok(termEquals(got[0] as Term, tuple(atom('EXIT'), gone, atom('noproc')) as Term))
})

bothWays('after unlink nothing happens, after a new link it does', async (t, one, other, nodes) => {
  const make = (): [Pid, Pid] => [
    one.spawn(async (self) => {
      for (;;) {
        const [what, pid] = (await self.receive()) as unknown as [Term, Pid]
        if (what === atom('link')) self.link(pid)
        else self.unlink(pid)
      }
    }),
    other.spawn((self) => self.receive()),
  ]
  const [keeper, first] = make()
  one.send(keeper, tuple(atom('link'), first))
  one.send(keeper, tuple(atom('unlink'), first))
  await nodes.settle()
  other.exit(first, BOOM)
  await nodes.settle()
  t.ok(one.runtime.isAlive(keeper))
  const [again, second] = make()
  for (const what of ['link', 'unlink', 'link']) one.send(again, tuple(atom(what), second))
  await nodes.settle()
  other.exit(second, BOOM)
  await nodes.until(() => !one.runtime.isAlive(again))
})

bothWays(
  'exit/2 ends a process of the other node, kill does even when it traps',
  async (t, one, other, nodes) => {
    const reasons: Term[] = []
    for (const reason of [BOOM, atom('kill')]) {
      const pid = other.spawn(async (self) => {
        self.trapExit = reason !== BOOM
        await self.receive(() => false)
      })
      one.monitor(pid, (down) => void reasons.push(down))
      await nodes.settle()
      one.exit(pid, reason)
    }
    await nodes.until(() => reasons.length === 2)
    t.same(reasons, [BOOM, atom('killed')])
  },
)

bothWays('pids, references and aliases come back as what they are', async (t, one, other, nodes) => {
  const pid = await worker(other)
  const got: Term[] = []
  const me = one.spawn(async (self) => {
    const alias = self.alias({ reply: true })
    const echoed = (await self.call(pid, tuple(self.pid, pid, alias))) as unknown as [Pid, Pid, Reference]
    got.push(echoed[0].equals(self.pid), echoed[1].equals(pid))
    other.send(echoed[2], 'by alias')
    other.send(echoed[2], 'the alias is used up')
    got.push(await self.receive())
  })
  await nodes.until(() => got.length === 3)
  await nodes.settle()
  t.same(got, [true, true, 'by alias'])
  t.notOk(one.runtime.isAlive(me))
})

bothWays('a process that another node asks for runs, links and monitors', async (t, one, other, nodes) => {
  const ran: Term[][] = []
  other.rpc.expose('jobs', { run: (...args) => void ran.push(args) })
  const reasons: Term[] = []
  const job = { node: other.name, module: atom('jobs'), function: atom('run'), args: [1, 'two'] }
  const pid = await one.runtime.spawnOn(job, { onDown: (reason) => void reasons.push(reason) })
  t.equal(pid.node, other.name)
  await nodes.until(() => reasons.length === 1)
  t.same([ran, reasons], [[[1, 'two']], [NORMAL]])
})

bothWays('a registered name follows its process, not its node', async (t, one, other) => {
  await worker(other)
  other.unregister('worker')
  t.match(await failure(one.call(['worker', other.name], 'hi')), { code: 'noproc' })
  await worker(other)
  t.equal(await one.call(['worker', other.name], 'hi'), 'hi')
})

test('options of the codec count for messages that arrive', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair(
    { codec: { objectKeys: 'string' } },
    { codec: { maps: 'object', floats: 'exact' } },
  )
  const got: Term[] = []
  b.runtime.onMessage = (message) => void got.push(message)
  a.send(b.self, { whole: float(3), text: 'text' })
  await nodes.until(() => got.length === 1)
  t.same(got[0], { whole: float(3), text: 'text' })
})

test('messages to a third node find their own way', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair()
  const c = await nodes.start('c')
  const got: Term[] = []
  c.runtime.onMessage = (message) => void got.push(message)
  const forwarder = b.spawn(async (self) => {
    for (;;) self.send(c.self, (await self.receive()) as Encodable)
  })
  a.send(forwarder, 'for c')
  await nodes.until(() => got.length === 1)
  t.same([got, a.nodes(), c.nodes()], [['for c'], [b.name], [b.name]])
})

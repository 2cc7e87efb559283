/** The server `rex` as old clients use it (protocol.md 9.4), by a peer that sends the messages by hand. */
import { test } from 'tap'
import {
  atom,
  type Encodable,
  ImproperList,
  type Pid,
  type Term,
  termEquals,
  tuple,
} from '../../src/etf/index.ts'
import { io, type Process } from '../../src/runtime/index.ts'
import { BarePeer } from '../support/bare-peer.ts'
import { type Teardown, TestNodes } from '../support/two-nodes.ts'

const REX = atom('rex')
const CALL = atom('call')
const USER = atom('user')
const BADRPC = atom('badrpc')
const EXIT = atom('EXIT')
const M = atom('Elixir.TsMath')

async function setUp(t: Teardown) {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a')
  const peer = new BarePeer({ name: 'c@c', network: nodes.network.host('c'), clock: nodes.clock })
  const connection = await peer.dial('a@a')
  t.teardown(() => peer.close())
  a.rpc.expose('Elixir.TsMath', {
    add: (x, y) => Number(x) + Number(y),
    bad: () => Symbol('no term'),
    dies: function (this: Process) {
      this.exit(Symbol('no term') as never)
    },
    prints: async (times) => {
      await io.puts('x'.repeat(Number(times)))
      void io.write('not waited for')
      return atom('printed')
    },
    fails: () => {
      throw new Error('failed')
    },
  })
  const me = peer.pid()
  const toRex = (message: Encodable): void => connection.sendName(me, REX, message)
  /** Sends to rex and gives the first message that comes back to the pid. */
  const ask = async (message: Encodable): Promise<Term> => {
    const before = peer.received('send').length
    toRex(message)
    await nodes.until(() => peer.received('send').length > before)
    const [, to, answer] = peer.received('send')[before] as [Pid, Pid, Term]
    if (!to.equals(me)) throw new Error(`the answer went to ${to}`)
    return answer
  }
  return { nodes, a, peer, connection, me, toRex, ask }
}

const equal = (one: Term, other: Encodable): boolean => termEquals(one, other as Term)

test('features_request is answered with erpc', async (t) => {
  const { ask, a, me } = await setUp(t)
  const answer = await ask(tuple(me, atom('features_request')))
  t.ok(equal(answer, tuple(atom('features_reply'), a.name, [atom('erpc')])), String(answer))
})

test('a call in the style of C nodes is answered with {rex, Value}', async (t) => {
  const { ask, me } = await setUp(t)
  const call = (fun: string, args: Encodable, leader: Encodable = USER) =>
    ask(tuple(me, tuple(CALL, M, atom(fun), args, leader)))
  t.ok(equal(await call('add', [1, 2]), tuple(REX, 3)))
  t.ok(equal(await call('add', [1, 2], me), tuple(REX, 3)), 'the group leader may be a pid')
  t.ok(equal(await call('add', [1, 2], atom('send_stdout_to_caller')), tuple(REX, 3)))
  t.match(await call('missing', []), { 0: REX, 1: { 0: BADRPC, 1: { 0: EXIT, 1: { 0: atom('undef') } } } })
  t.match(await call('fails', []), { 0: REX, 1: { 0: BADRPC, 1: { 0: EXIT } } })
  t.match(await call('bad', []), { 0: REX, 1: { 0: BADRPC, 1: { 0: EXIT } } })
  t.match(await call('add', atom('no_list')), {
    0: REX,
    1: { 0: BADRPC, 1: { 0: EXIT, 1: { 0: atom('badarg') } } },
  })
})

test('what a call prints goes to the C node before the answer, when it asks for that', async (t) => {
  const { me, nodes, peer, toRex } = await setUp(t)
  toRex(tuple(me, tuple(CALL, M, atom('prints'), [100_000], atom('send_stdout_to_caller'))))
  await nodes.until(() => peer.received('send').length === 3)
  const answers = peer.received('send').map(([, , answer]) => answer as Term)
  const stdout = atom('rex_stdout')
  t.ok(equal(answers[0] as Term, tuple(stdout, `${'x'.repeat(100_000)}\n`)), 'larger than a fragment')
  t.ok(equal(answers[1] as Term, tuple(stdout, 'not waited for')))
  t.ok(equal(answers[2] as Term, tuple(REX, atom('printed'))))
})

test('a job whose exit reason has no term is answered, and harms nobody', async (t) => {
  const { ask, a, me } = await setUp(t)
  t.match(await ask(tuple(me, tuple(CALL, M, atom('dies'), [], USER))), {
    0: REX,
    1: { 0: BADRPC, 1: { 0: EXIT } },
  })
  a.rpc.expose('Elixir.TsMath', {
    killed: async function (this: Process) {
      await this.receive()
    },
  })
  const before = a.runtime.processes()
  const answer = ask(tuple(me, tuple(CALL, M, atom('killed'), [], USER)))
  const job = await new Promise<Pid>((resolve) => {
    const look = (): void => {
      const fresh = a.runtime.processes().find((pid) => !before.some((old) => old.equals(pid)))
      if (fresh === undefined) setImmediate(look)
      else resolve(fresh)
    }
    look()
  })
  a.exit(job, Symbol('no term') as never)
  t.match(await answer, { 0: REX, 1: { 0: BADRPC, 1: { 0: EXIT } } })
})

test('gen calls are answered by the rules of their tag', async (t) => {
  const { connection, me, nodes, peer, toRex, ask } = await setUp(t)
  const request = tuple(CALL, M, atom('add'), [2, 3], USER)
  const ref = peer.ref()
  t.ok(equal(await ask(tuple(atom('$gen_call'), tuple(me, ref), request)), tuple(ref, 5)))
  const alias = peer.ref()
  const tag = new ImproperList([atom('alias')], alias)
  toRex(tuple(atom('$gen_call'), tuple(me, tag), tuple(atom('block_call'), M, atom('add'), [4, 5], USER)))
  await nodes.until(() => peer.received('sendAlias').length === 1)
  const [, to, answer] = peer.received('sendAlias')[0] as [Pid, Term, Term]
  t.ok(equal(to, alias))
  t.ok(equal(answer, tuple(tag, 9)))
  t.equal(connection.isBusy, false)
})

test('a gen call that is none of rex is badrpc, and rex lives on', async (t) => {
  const { ask, me, peer } = await setUp(t)
  for (const request of [
    atom('hello'),
    tuple(CALL, M, atom('add'), [1, 2]),
    tuple(CALL, 'TsMath', atom('add'), [1, 2], USER),
    tuple(atom('stop'), M, atom('add'), [1, 2], USER),
  ]) {
    const ref = peer.ref()
    const answer = await ask(tuple(atom('$gen_call'), tuple(me, ref), request))
    t.match(answer, { 1: { 0: BADRPC } })
  }
})

test('a cast runs, and answers nothing', async (t) => {
  const { a, nodes, peer, toRex } = await setUp(t)
  const ran: Term[][] = []
  a.rpc.expose('jobs', { run: (...args) => void ran.push(args) })
  toRex(tuple(atom('$gen_cast'), tuple(atom('cast'), atom('jobs'), atom('run'), [7], USER)))
  toRex(tuple(atom('$gen_cast'), tuple(atom('cast'), atom('jobs'), atom('missing'), [7], USER)))
  toRex(tuple(atom('$gen_cast'), atom('nonsense')))
  await nodes.until(() => ran.length === 1)
  await nodes.settle()
  t.same([ran, peer.received('send')], [[[7]], []])
})

test('sbcast delivers to a name and says whether there is one', async (t) => {
  const { a, ask, me, nodes } = await setUp(t)
  const got: Term[] = []
  a.register(
    'listener',
    a.spawn(async (self) => {
      for (;;) got.push(await self.receive())
    }),
  )
  const sbcast = (name: Encodable) => ask(tuple(me, tuple(atom('sbcast'), name, 'news')))
  t.ok(equal(await sbcast(atom('listener')), tuple(REX, a.name, a.name)))
  await nodes.until(() => got.length === 1)
  t.same(got, ['news'])
  for (const nobody of [atom('nobody'), 'text', 17]) {
    t.ok(equal(await sbcast(nobody), tuple(REX, a.name, tuple(atom('nonexisting_name'), nobody))))
  }
})

test('whatever else arrives is dropped without a word', async (t) => {
  const { ask, me, nodes, peer, toRex } = await setUp(t)
  for (const nonsense of ['text', 17, tuple(), tuple(me), tuple(me, 1, 2), tuple(me, atom('what')), [me]]) {
    toRex(nonsense)
  }
  await nodes.settle()
  t.same(peer.received('send'), [])
  t.match(await ask(tuple(me, atom('features_request'))), { 0: atom('features_reply') })
  t.same(nodes.complaints(), [])
})

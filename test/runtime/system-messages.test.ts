import { test } from 'tap'
import { atom, encode, ImproperList, Pid, Reference, type Term, tuple } from '../../src/etf/index.ts'
import type { From } from '../../src/runtime/index.ts'
import { answerSystem, type SystemAnswer, type SystemTarget } from '../../src/runtime/system-messages.ts'

const node = atom('a@test')
const pid = new Pid(node, 2, 0, 1)
const server = {
  pid,
  parent: pid,
  ancestors: [],
  label: 'Counter',
  name: undefined,
  state: 5,
  suspended: false,
  processLabel: undefined,
  debug: undefined,
  debugCommand: () => atom('ok'),
  formatStatus: () => 5,
  codeChange: () => 6,
  handoff: () => undefined,
}

const from = (caller: string, tag: (ref: Reference) => Term, words: number[]): From => {
  const ref = new Reference(atom(caller), 1, words)
  return tuple(new Pid(atom(caller), 9, 0, 1), tag(ref)) as unknown as From
}
const alias = (ref: Reference): Term => new ImproperList<Term, Term>([atom('alias')], ref)
const plain = (ref: Reference): Term => ref

const answer = (target: SystemTarget, who: From, request: Term): SystemAnswer =>
  answerSystem(target, who, request) as SystemAnswer

const CALLERS: [string, From, string][] = [
  ['OTP 25', from('b@test', alias, [1, 2, 3]), '5'],
  ['OTP 26.1 and later', from('b@test', alias, [1, 2, 3, 4, 5]), '{ok, 5}'],
  ['this node', from('a@test', alias, [1, 2, 3]), '{ok, 5}'],
  ['others, without an alias', from('b@test', plain, [1, 2, 3]), '{ok, 5}'],
]

for (const [caller, who, expected] of CALLERS) {
  test(`get_state of ${caller} is answered with ${expected}`, async (t) => {
    t.equal(String(answer(server, who, atom('get_state')).reply), expected)
  })
}

test('terminate is answered with ok and ends the server with the reason', async (t) => {
  const request = tuple(atom('terminate'), atom('shutdown')) as Term
  const who = from('b@test', alias, [1, 2, 3])
  t.same(answer(server, who, request), { reply: atom('ok'), terminate: { reason: atom('shutdown') } })
})

test('suspend and resume change the server and are answered with ok', async (t) => {
  const who = from('b@test', alias, [1, 2, 3])
  t.equal(answer(server, who, atom('suspend')).reply, atom('ok'))
  t.ok(server.suspended)
  t.equal(answer(server, who, atom('resume')).reply, atom('ok'))
  t.notOk(server.suspended)
})

test('a state that has no term is shown as text', async (t) => {
  const state = { socket: new (class Socket {})(), lone: '\ud800' }
  const unsendable = { ...server, state, formatStatus: () => state as never }
  const [, who] = CALLERS[1] as (typeof CALLERS)[number]
  t.match(String(answer(unsendable, who, atom('get_state')).reply), /^\{ok, .*Socket/s)
  const status = answer(unsendable, who, atom('get_status')).reply
  t.ok(encode(status).length > 0)
})

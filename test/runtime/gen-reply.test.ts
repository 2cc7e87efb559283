import { test } from 'tap'
import { atom, ImproperList, Pid, Reference, type Term, tuple } from '../../src/etf/index.ts'
import { isFrom, repliedCall, replyAlias } from '../../src/runtime/gen-reply.ts'

const node = atom('b@test')
const pid = new Pid(node, 5, 0, 1)
const ref = new Reference(node, 1, [1, 2, 3])
const other = new Reference(node, 1, [4, 5, 6, 7, 8])
const aliasForm = (of: Reference): ImproperList => new ImproperList<Term, Term>([atom('alias')], of)

test('the reply goes to the alias for both alias forms, else to the pid', async (t) => {
  t.equal(replyAlias(aliasForm(ref)), ref, '[alias|Ref]')
  t.equal(replyAlias(new ImproperList<Term, Term>([aliasForm(other)], ref)), other, '[[alias|A]|M]')
  t.equal(replyAlias(ref), undefined, 'Ref')
  t.equal(replyAlias(tuple(ref, node) as Term), undefined, '{Ref, Node}')
  t.equal(replyAlias(atom('anything')), undefined)
  t.equal(replyAlias(new ImproperList<Term, Term>([atom('other')], ref)), undefined)
  t.equal(replyAlias(new ImproperList<Term, Term>([atom('alias'), 1], ref)), undefined)
  t.equal(replyAlias(new ImproperList<Term, Term>([atom('alias')], 5)), undefined)
})

test('a caller is {Pid, Tag}', async (t) => {
  t.ok(isFrom(tuple(pid, ref) as Term))
  t.notOk(isFrom(tuple(ref, pid) as Term))
  t.notOk(isFrom(tuple(pid, ref, 1) as Term))
  t.notOk(isFrom(pid))
})

test('a reply to a pid is known by its tag', async (t) => {
  t.equal(repliedCall(tuple(aliasForm(ref), 5) as Term), ref)
  t.equal(repliedCall(tuple(ref, 5) as Term), undefined)
  t.equal(repliedCall(tuple(aliasForm(ref), 5, 6) as Term), undefined)
  t.equal(repliedCall('hello'), undefined)
})

/** Cookies for single peers, on whole nodes. */
import { inspect } from 'node:util'
import { test } from 'tap'
import { atom } from '../../src/etf/index.ts'
import { Cookies } from '../../src/node/cookies.ts'
import { failure, TestNodes } from '../support/two-nodes.ts'

test('a peer has its own cookie or the one of the node', (t) => {
  const cookies = new Cookies('own', { 'n2@b': 'second' })
  t.equal(cookies.of('n1@a'), 'own')
  t.equal(cookies.of('n2@b'), 'second')
  cookies.setOwn('new')
  cookies.set('n3@c', 'third')
  t.same(
    ['n1@a', 'n2@b', 'n3@c'].map((peer) => cookies.of(peer)),
    ['new', 'second', 'third'],
  )
  t.end()
})

test('what can be no cookie is refused and not repeated, and printing shows none', (t) => {
  const cookies = new Cookies('hunter1', { 'n2@b': 'hunter2' })
  for (const wrong of ['', 'hünter', 'x'.repeat(256)]) {
    for (const set of [
      () => cookies.set('n3@c', wrong),
      () => cookies.setOwn(wrong),
      () => new Cookies(wrong),
    ]) {
      t.throws(set, { code: 'ERR_INVALID_OPTION', message: /^((?!nter).)*$/ })
    }
  }
  t.notMatch(inspect(cookies, { depth: 10, showHidden: true }), /hunter/)
  t.end()
})

test('a peer that is no node name is refused, without the cookie', (t) => {
  for (const peer of ['n2', 'n2@b@c', '']) {
    t.throws(() => new Cookies('hunter1', { [peer]: 'hunter2' }), {
      code: 'ERR_INVALID_OPTION',
      message: /^((?!hunter).)*node name((?!hunter).)*$/,
    })
  }
  t.end()
})

test('nodes with different cookies connect by the one they have for each other, whoever dials', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a', { cookie: 'of-a', cookies: { 'b@b': 'between' } })
  const b = await nodes.start('b', { cookie: 'of-b' })
  t.match(await failure(nodes.during(a.connect('b@b'))), { code: 'ERR_HANDSHAKE_CLOSED' })
  b.setCookie('between', 'a@a')
  await nodes.during(a.connect('b@b'))
  t.same(b.nodes(), [atom('a@a')])
  a.disconnect('b@b')
  await nodes.until(() => b.nodes().length === 0)
  await nodes.during(b.connect('a@a'))
  const c = await nodes.start('c', { cookie: 'of-a' })
  await nodes.during(c.connect('a@a'))
  t.match(await failure(nodes.during(c.connect('b@b'))), { code: 'ERR_HANDSHAKE_CLOSED' })
  b.setCookie('of-a')
  await nodes.during(c.connect('b@b'))
  t.equal(b.nodes().length, 2)
})

import { test } from 'tap'
import { atom, Pid } from '../../src/etf/index.ts'
import { LinkTable } from '../../src/runtime/link-table.ts'

const pid = (id: number, node = 'b@test'): Pid => new Pid(atom(node), id, 0, 1)

test('local link sends LINK once while the link is active', async (t) => {
  const links = new LinkTable()
  t.ok(links.link(pid(1)))
  t.notOk(links.link(pid(1)))
  t.ok(links.isLinked(pid(1)))
})

test('LINK received makes a link and a second one changes nothing', async (t) => {
  const links = new LinkTable()
  links.handleLink(pid(1))
  links.handleLink(pid(1))
  t.same([...links.pids()].length, 1)
  t.notOk(links.link(pid(1)), 'our own link has nothing to send')
})

test('unlink makes the entry inactive until its id is acknowledged', async (t) => {
  const links = new LinkTable()
  links.link(pid(1))
  const id = links.unlink(pid(1))
  t.equal(id, 1n)
  t.notOk(links.isLinked(pid(1)))
  t.equal(links.size, 1)
  links.handleUnlinkAck(pid(1), 99n)
  t.equal(links.size, 1, 'another id is ignored')
  links.handleUnlinkAck(pid(1), 1n)
  t.equal(links.size, 0)
})

test('unlink without an active link sends nothing', async (t) => {
  const links = new LinkTable()
  t.equal(links.unlink(pid(1)), undefined)
  links.link(pid(1))
  links.unlink(pid(1))
  t.equal(links.unlink(pid(1)), undefined)
})

test('an exit signal over an inactive link is ignored', async (t) => {
  const links = new LinkTable()
  links.link(pid(1))
  links.unlink(pid(1))
  t.notOk(links.handleExit(pid(1)))
  t.equal(links.size, 1, 'the acknowledgement is still awaited')
})

test('LINK received while an unlink is under way is ignored', async (t) => {
  const links = new LinkTable()
  links.link(pid(1))
  links.unlink(pid(1))
  links.handleLink(pid(1))
  t.notOk(links.isLinked(pid(1)))
})

test('linking again before the acknowledgement sends LINK, and the late acknowledgement is ignored', async (t) => {
  const links = new LinkTable()
  links.link(pid(1))
  const old = links.unlink(pid(1)) ?? 0n
  t.ok(links.link(pid(1)))
  links.handleUnlinkAck(pid(1), old)
  t.ok(links.isLinked(pid(1)))
  t.equal(links.unlink(pid(1)), 2n, 'ids are not used twice')
})

test('UNLINK_ID received removes an active link and keeps an inactive one', async (t) => {
  const links = new LinkTable()
  links.link(pid(1))
  links.handleUnlink(pid(1))
  t.equal(links.size, 0)
  links.link(pid(2))
  links.unlink(pid(2))
  links.handleUnlink(pid(2))
  t.equal(links.size, 1)
})

test('a lost node drops every entry and breaks the active links only', async (t) => {
  const links = new LinkTable()
  links.link(pid(1))
  links.link(pid(2))
  links.unlink(pid(2))
  links.link(pid(3, 'c@test'))
  const lost = atom('b@test')
  t.same(
    links.dropNode((linked) => linked.node === lost).map((linked) => linked.id),
    [1],
  )
  t.equal(links.size, 1)
})

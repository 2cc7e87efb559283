/** What other nodes ask of `net_kernel` (protocol.md 2.10). */
import { test } from 'tap'
import { atom, type Encodable, type Pid, type Term, termEquals, tuple } from '../../src/etf/index.ts'
import { BarePeer } from '../support/bare-peer.ts'
import { TestNodes } from '../support/two-nodes.ts'

const NET_KERNEL = atom('net_kernel')

test('a ping as net_adm makes it is answered with yes', async (t) => {
  const nodes = new TestNodes(t)
  await nodes.start('a')
  const peer = new BarePeer({ name: 'c@c', network: nodes.network.host('c'), clock: nodes.clock })
  const connection = await peer.dial('a@a')
  const ref = peer.ref()
  const request = tuple(atom('is_auth'), peer.name)
  connection.monitor(peer.pid(), NET_KERNEL, ref)
  connection.sendName(peer.pid(), NET_KERNEL, tuple(atom('$gen_call'), tuple(peer.pid(), ref), request))
  await nodes.until(() => peer.received('send').length === 1)
  const [, to, answer] = peer.received('send')[0] as [Pid, Pid, Term]
  t.ok(to.equals(peer.pid()))
  t.ok(termEquals(answer, tuple(ref, atom('yes')) as Term))
  t.same(peer.received('monitorExit'), [], 'the name is registered')
  peer.close()
})

test('the kernel tells its node, its kind of names and its tick time', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair({}, { netTicktime: 30 })
  const ask = (request: Encodable) => a.call([NET_KERNEL, b.name], request)
  t.equal(await ask(atom('nodename')), b.name)
  t.equal(await ask(atom('longnames')), false)
  t.equal(await ask(atom('ticktime')), 30_000)
  const long = await nodes.start('c@db.example')
  t.equal(await a.call([NET_KERNEL, long.name], atom('longnames')), true)
  const dotted = await nodes.start('d.1@d')
  t.equal(await a.call([NET_KERNEL, dotted.name], atom('longnames')), false)
})

test('what it does not know is badreq, and casts and messages are dropped', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair()
  const kernel = [NET_KERNEL, b.name] as const
  for (const request of [
    'text',
    tuple(),
    atom('stop'),
    tuple(atom('spawn'), atom('m'), atom('f'), [], a.self),
  ]) {
    t.equal(await a.call(kernel, request), atom('badreq'))
  }
  a.cast(kernel, atom('stop'))
  a.send(kernel, 'text')
  a.send(kernel, tuple(atom('nodedown'), a.name))
  await nodes.settle()
  t.same(nodes.complaints(), [])
  t.equal(await a.ping(b.name), 'pong')
})

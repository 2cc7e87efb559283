import { test } from 'tap'
import { completeNodeName, isLoopbackHost, parseNodeName } from '../../src/node/node-name.ts'

test('a full name is split at its @', async (t) => {
  t.same(parseNodeName('ts@127.0.0.1'), { full: 'ts@127.0.0.1', alive: 'ts', host: '127.0.0.1' })
  t.same(parseNodeName('a.b_c-d+e~1@db.example'), {
    full: 'a.b_c-d+e~1@db.example',
    alive: 'a.b_c-d+e~1',
    host: 'db.example',
  })
  t.equal(parseNodeName('ts@::1').host, '::1')
})

test('what is no node name is refused, with the name and what to write instead', async (t) => {
  const refused: [name: string, message: RegExp][] = [
    ['', /'' is not a node name: write it as name@host/],
    ['ts', /'ts' is not a node name: write it as name@host/],
    ['a@b@c', /'a@b@c' is not a node name/],
    ['@host', /'' in the node name '@host' may hold only/],
    ['ts@', /'' in the node name 'ts@' is not a host/],
    ['t s@host', /'t s' in the node name/],
    ['ts@[::1]', /'\[::1\]' in the node name 'ts@\[::1\]' is not a host/],
    ['ts@ho st', /'ho st' in the node name/],
    ['tö@host', /'tö' in the node name/],
    ['ts@hö', /'hö' in the node name/],
    ["ts'@host", /may hold only/],
    ['ts@host\n', /is not a host/],
    [`${'x'.repeat(250)}@hosts`, /has more than 255 characters/],
  ]
  for (const [name, message] of refused) {
    t.throws(() => parseNodeName(name), { code: 'ERR_INVALID_OPTION', message }, JSON.stringify(name))
  }
  t.equal(parseNodeName(`${'x'.repeat(250)}@host`).full.length, 255)
})

test('a short name gets the first label of the machine, a full one stays', async (t) => {
  t.equal(completeNodeName('ts', 'box').full, 'ts@box')
  t.equal(completeNodeName('ts', 'box.example.org').full, 'ts@box')
  t.equal(completeNodeName('ts@there', 'box').full, 'ts@there')
  t.throws(() => completeNodeName('', 'box'), { code: 'ERR_INVALID_OPTION' })
})

test('loopback hosts are told from others', async (t) => {
  for (const host of ['localhost', '127.0.0.1', '127.0.1.1', '::1']) t.ok(isLoopbackHost(host), host)
  for (const host of ['box', '10.0.0.1', '127.example', '::', 'localhost.example']) {
    t.notOk(isLoopbackHost(host), host)
  }
})

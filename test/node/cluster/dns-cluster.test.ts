/** Nodes found in the DNS: with a table in place of it, and with a real server. */
import { test } from 'tap'
import { systemDns } from '../../../src/net/index.ts'
import { type DnsClusterOptions, dnsCluster } from '../../../src/node/index.ts'
import { DnsServer } from '../../support/dns-server.ts'
import { TestNodes } from '../../support/two-nodes.ts'
import { FakeHost } from './host.ts'

/** A lookup that answers from a table, and counts. */
function table(records: { A?: string[]; AAAA?: string[]; SRV?: string[] }) {
  const asked: string[] = []
  const answer = async (type: 'A' | 'AAAA' | 'SRV', name: string): Promise<string[]> => {
    asked.push(`${type} ${name}`)
    return records[type] ?? []
  }
  return {
    asked,
    records,
    ipv4: (name: string) => answer('A', name),
    ipv6: (name: string) => answer('AAAA', name),
    services: async (name: string) => (await answer('SRV', name)).map((host) => ({ name: host, port: 1 })),
  }
}

test('every address is a node of the basename; this one is not joined', async (t) => {
  const lookup = table({ A: ['10.0.0.1', '10.0.0.2'], AAAA: ['fd00::3'] })
  const host = new FakeHost('app@10.0.0.1')
  for (const name of ['app@10.0.0.2', 'app@fd00::3']) host.reachable.add(name)
  const running = await dnsCluster({ query: 'app.local', lookup }).start(host)
  t.same(lookup.asked, ['A app.local', 'AAAA app.local'])
  t.same([...host.connected], ['app@10.0.0.2', 'app@fd00::3'])
  await running.stop()
  t.equal(host.clock.pending, 0)
})

test('service records name the hosts; the basename can be another', async (t) => {
  const lookup = table({ SRV: ['app-0.app.svc', 'app-1.app.svc', 'not a host'] })
  const host = new FakeHost()
  host.reachable.add('web@app-0.app.svc').add('web@app-1.app.svc')
  const running = await dnsCluster({
    query: '_epmd._tcp.app',
    types: ['SRV'],
    basename: 'web',
    lookup,
  }).start(host)
  t.same([...host.connected], ['web@app-0.app.svc', 'web@app-1.app.svc'])
  t.same(host.warnings, [])
  await running.stop()
})

test('records that fail are told of once, each kind for itself', async (t) => {
  const lookup = { ...table({ A: ['10.0.0.2'] }), ipv6: () => Promise.reject(new Error('no AAAA')) }
  const host = new FakeHost()
  host.reachable.add('me@10.0.0.2')
  const running = await dnsCluster({ query: 'app', interval: 1000, lookup }).start(host)
  for (let i = 0; i < 5; i++) await host.clock.elapse(1250)
  t.equal(host.warnings.length, 1)
  await running.stop()
})

test('it looks again, with pauses that differ, and joins what is new or was lost', async (t) => {
  const lookup = table({ A: [] })
  const host = new FakeHost()
  const running = await dnsCluster({ query: 'app', types: ['A'], interval: 1000, lookup }).start(host)
  host.reachable.add('me@10.0.0.2')
  lookup.records.A = ['10.0.0.2']
  host.chance = 0
  await host.clock.elapse(1249)
  t.equal(lookup.asked.length, 1)
  await host.clock.elapse(1)
  t.same([...host.connected], ['me@10.0.0.2'])
  await host.clock.elapse(749)
  t.equal(lookup.asked.length, 2)
  await host.clock.elapse(1)
  t.equal(lookup.asked.length, 3)
  t.equal(host.attempts.length, 1, 'who is connected is left alone')
  host.connected.clear()
  await host.clock.elapse(750)
  t.same([...host.connected], ['me@10.0.0.2'])
  await running.stop()
  await host.clock.elapse(10_000)
  t.equal(lookup.asked.length, 4)
})

test('a node that cannot be reached is tried less and less often', async (t) => {
  const lookup = table({ A: ['10.0.0.2'] })
  const host = new FakeHost()
  const running = await dnsCluster({ query: 'app', types: ['A'], interval: 100, lookup }).start(host)
  host.chance = 0.5
  await host.clock.elapse(5000)
  const times = host.attempts.map((attempt) => Number(attempt.split(' ')[1]))
  t.ok(times.length >= 3 && times.length <= 5, `tried at ${times}`)
  const pauses = times.slice(1).map((time, index) => time - (times[index] as number))
  t.ok(
    pauses.every((pause, index) => index === 0 || pause > (pauses[index - 1] as number)),
    `pauses ${pauses}`,
  )
  t.equal(host.warnings.length, 1)
  await running.stop()
})

test('a DNS that fails is reported once, and asked again', async (t) => {
  const lookup = table({ A: ['10.0.0.2'] })
  const host = new FakeHost()
  host.reachable.add('me@10.0.0.2')
  const down = (_name: string): Promise<string[]> => Promise.reject(new Error('it is down'))
  const broken = { ...lookup, ipv4: down }
  const running = await dnsCluster({ query: 'app', types: ['A'], interval: 100, lookup: broken }).start(host)
  await host.clock.elapse(1000)
  t.same(host.warnings, ['warn cannot look for nodes in the DNS: it is down'])
  broken.ipv4 = lookup.ipv4
  await host.clock.elapse(200)
  t.same([...host.connected], ['me@10.0.0.2'])
  await running.stop()
})

test('options that make no sense are refused', async (t) => {
  const bad: DnsClusterOptions[] = [
    { query: '' },
    { query: 'app', types: [] },
    { query: 'app', types: ['MX' as never] },
    { query: 'app', interval: 0 },
    { query: 'app', interval: Number.NaN },
    { query: 'app', servers: ['no address'] },
  ]
  for (const options of bad) t.throws(() => dnsCluster(options), { code: 'ERR_INVALID_OPTION' })
})

test('a real server is asked for A, AAAA and SRV', async (t) => {
  const server = await DnsServer.start()
  t.teardown(() => server.close())
  server.zones.set('app.test', {
    A: ['10.1.2.3', '10.1.2.4'],
    AAAA: ['fd00::5'],
    SRV: [{ name: 'app-0.app.test', port: 4370 }],
  })
  const lookup = systemDns({ servers: [server.address] })
  t.same((await lookup.ipv4('app.test')).sort(), ['10.1.2.3', '10.1.2.4'])
  t.same(await lookup.ipv6('app.test'), ['fd00::5'])
  t.same(await lookup.services('app.test'), [{ name: 'app-0.app.test', port: 4370 }])
  t.same(await lookup.ipv4('nobody.test'), [], 'a name that does not exist')
  server.zones.set('empty.test', {})
  t.same(await lookup.ipv6('empty.test'), [], 'a name without such records')
  server.isFailing = true
  await t.rejects(lookup.ipv4('app.test'), { code: 'ESERVFAIL' })
})

test('nodes join through a real server, also one that comes later', async (t) => {
  const server = await DnsServer.start()
  t.teardown(() => server.close())
  server.zones.set('app.test', { A: ['10.0.0.1', '10.0.0.2'] })
  const nodes = new TestNodes(t)
  const first = await nodes.start('app@10.0.0.1')
  const cluster = [dnsCluster({ query: 'app.test', servers: [server.address], interval: 1000 })]
  const second = await nodes.start('app@10.0.0.2', { cluster })
  t.same(second.nodes().map(String), ['app@10.0.0.1'])
  t.same(first.nodes().map(String), ['app@10.0.0.2'])
  await nodes.start('app@10.0.0.3')
  server.zones.set('app.test', { A: ['10.0.0.1', '10.0.0.2', '10.0.0.3'] })
  for (let round = 0; second.nodes().length < 2 && round < 100; round++) {
    await nodes.elapse(100)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  t.same(second.nodes().map(String).sort(), ['app@10.0.0.1', 'app@10.0.0.3'])
})

test('a strategy that cannot start, and one that is none, keep the node from starting', async (t) => {
  const nodes = new TestNodes(t)
  const broken = { start: () => Promise.reject(new Error('no network')) }
  await t.rejects(nodes.start('a', { cluster: [broken] }), { message: 'no network' })
  await t.rejects(nodes.start('b', { cluster: [{} as never] }), { code: 'ERR_INVALID_OPTION' })
  await t.rejects(nodes.start('c', { cluster: 'dns' as never }), { code: 'ERR_INVALID_OPTION' })
})

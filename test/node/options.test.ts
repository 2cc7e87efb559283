import { hostname } from 'node:os'
import { inspect } from 'node:util'
import { type Test, test } from 'tap'
import { MemoryNetwork } from '../../src/net/index.ts'
import { type NodeOptions, resolveNodeOptions } from '../../src/node/options.ts'
import { failure } from '../support/two-nodes.ts'

const resolve = (options: Partial<NodeOptions> = {}) =>
  resolveNodeOptions({ name: 'ts@127.0.0.1', cookie: 'secret', ...options })

/** Sets variables of the environment for one test. */
function withEnvironment(t: Test, variables: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(variables)) {
    const before = process.env[name]
    process.env[name] = value
    t.teardown(() => {
      if (before === undefined) delete process.env[name]
      else process.env[name] = before
    })
  }
}

test('the defaults are those of a BEAM node', async (t) => {
  withEnvironment(t, { ERL_EPMD_PORT: '', ERL_EPMD_ADDRESS: '' })
  const options = await resolve()
  t.match(options, {
    connect: [],
    hidden: false,
    epmd: 'auto',
    embeddedAt: { host: '127.0.0.1', port: 4369 },
    listenHost: '127.0.0.1',
    listenPorts: [0, 0],
    tickTime: 60_000,
    tickIntensity: 4,
    lengthPrefix: 2,
    setupTime: 7000,
    outbox: { signals: 100_000, bytes: 67_108_864 },
  })
})

test('cookies stay where no print shows them', async (t) => {
  const options = await resolve({ cookie: 'hunter1', cookies: { 'n2@b': 'hunter2' } })
  t.equal(options.cookies.of('n1@a'), 'hunter1')
  t.equal(options.cookies.of('n2@b'), 'hunter2')
  t.notMatch(inspect(options, { depth: 10, showHidden: true }), /hunter/)
})

test('listen.tls needs a certificate, and makes a network of its own', async (t) => {
  const network = new MemoryNetwork().host('a')
  const tls = { cert: 'c', key: 'k', ca: 'a' }
  t.match(await failure(resolve({ listen: { tls: {} } })), { message: /listen\.tls needs cert and key/ })
  t.match(await failure(resolve({ listen: { tls } })), {
    code: 'ERR_INVALID_OPTION',
    message: /listen\.tls cannot/,
  })
  t.match(await failure(resolve({ network, listen: { tls } })), { message: /leave out the option network/ })
})

test('a name alone is a short name on this machine', async (t) => {
  const { name } = await resolve({ name: 'ts' })
  t.equal(name.full, `ts@${hostname().split('.')[0]}`)
})

test('a node listens where its name leads', async (t) => {
  const listens: Record<string, string> = {
    'ts@127.0.0.1': '127.0.0.1',
    'ts@localhost': '127.0.0.1',
    'ts@127.0.1.1': '127.0.1.1',
    'ts@::1': '::1',
    'ts@box.example': '0.0.0.0',
    'ts@2001:db8::1': '::',
  }
  for (const [name, host] of Object.entries(listens)) {
    t.equal((await resolve({ name })).listenHost, host, name)
  }
  t.equal((await resolve({ listen: { host: '10.0.0.1' } })).listenHost, '10.0.0.1')
  t.equal((await resolve({ listen: { host: '' } })).listenHost, '')
})

test('an embedded epmd listens where others look for the node', async (t) => {
  withEnvironment(t, { ERL_EPMD_ADDRESS: '' })
  t.equal((await resolve({ name: 'ts@127.0.1.1' })).embeddedAt.host, '127.0.1.1')
  t.equal((await resolve({ name: 'ts@box.example' })).embeddedAt.host, '')
})

test('the environment of epmd counts: port and addresses', async (t) => {
  withEnvironment(t, { ERL_EPMD_PORT: '4711', ERL_EPMD_ADDRESS: '10.0.0.1,10.0.0.2' })
  t.same((await resolve()).embeddedAt, { host: ['10.0.0.1', '10.0.0.2'], port: 4711 })
  t.equal((await resolve({ epmdPort: 4712 })).embeddedAt.port, 4712)
})

test('a port of the environment that is none is refused', async (t) => {
  withEnvironment(t, { ERL_EPMD_PORT: 'epmd' })
  t.match(await failure(resolve()), { code: 'ERR_INVALID_OPTION', message: /ERL_EPMD_PORT.*got NaN/ })
})

test('a port may be one or a range', async (t) => {
  t.same((await resolve({ listen: { port: 9100 } })).listenPorts, [9100, 9100])
  t.same((await resolve({ listen: { port: [9100, 9105] } })).listenPorts, [9100, 9105])
})

test('a limit that is undefined has its default', async (t) => {
  t.strictSame((await resolve({ limits: { mailbox: undefined, frameBytes: 1000 } })).limits, {
    frameBytes: 1000,
  })
})

test('options that make no sense are refused by name', async (t) => {
  const refused: [options: Partial<NodeOptions>, message: RegExp][] = [
    [{ name: 'a@b@c' }, /not a node name/],
    [{ cookie: '' }, /cookie/],
    [{ connect: ['n1'] }, /'n1' is not a node name/],
    [{ epmd: 'own' as 'auto' }, /epmd must be one of auto, external, embedded, none, got 'own'/],
    [{ epmdPort: 0 }, /epmdPort must be a whole number from 1 to 65535, got 0/],
    [{ epmdPort: 70_000 }, /epmdPort/],
    [{ listen: { port: -1 } }, /listen\.port must be a whole number from 0/],
    [{ listen: { port: [9105, 9100] } }, /listen\.port must be a whole number from 9105/],
    [{ netTicktime: 0 }, /netTicktime/],
    [{ netTicktime: Number.NaN }, /netTicktime/],
    [{ netTicktime: Number.POSITIVE_INFINITY }, /netTicktime/],
    [{ netSetuptime: 0 }, /netSetuptime/],
    [{ netSetuptime: 120_001 }, /netSetuptime/],
    [{ limits: { outbox: 0 } }, /limits\.outbox must/],
    [{ limits: { handshakes: 0 } }, /limits\.handshakes must/],
    [{ limits: { outboxBytes: 0.5 } }, /limits\.outboxBytes must/],
    [{ limits: { frameBytes: 0 } }, /limits\.frameBytes/],
    [{ limits: { pendingBytes: Number.NaN } }, /limits\.pendingBytes/],
    [{ limits: { processes: 0 } }, /limits\.processes/],
    [{ limits: { mailbox: -1 } }, /limits\.mailbox/],
  ]
  for (const [options, message] of refused) {
    t.match(await failure(resolve(options)), { code: 'ERR_INVALID_OPTION', message }, String(message))
  }
})

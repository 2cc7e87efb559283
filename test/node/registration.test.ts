import { test } from 'tap'
import { EpmdClient, EpmdServer, type EpmdServerOptions } from '../../src/epmd/index.ts'
import type { Network } from '../../src/net/index.ts'
import { type EpmdMode, Registration, type RegistrationOptions } from '../../src/node/registration.ts'
import { failure, type Teardown, TestNodes } from '../support/two-nodes.ts'

const PORT = 4369

interface Harness {
  readonly nodes: TestNodes
  readonly network: Network
  readonly client: EpmdClient
  /** An epmd that is not ours. */
  epmd(options?: EpmdServerOptions): Promise<EpmdServer>
  register(mode: EpmdMode, options?: Partial<RegistrationOptions>): Promise<Registration>
  /** What is registered, by the epmd that answers; undefined when none does. */
  names(): Promise<string[] | undefined>
}

function harness(t: Teardown): Harness {
  const nodes = new TestNodes(t)
  const { clock } = nodes
  const network = nodes.network.host('box')
  const client = new EpmdClient({ network, clock })
  return {
    nodes,
    network,
    client,
    async epmd(options = {}) {
      const server = await EpmdServer.listen({ network, clock, ...options })
      t.teardown(() => server.close())
      return server
    },
    async register(mode, options = {}) {
      const registration = await nodes.during(
        Registration.start({
          mode,
          client,
          network,
          embeddedAt: { host: '127.0.0.1', port: PORT },
          alive: 'ts',
          port: 9100,
          hidden: false,
          clock,
          logger: nodes.logger('ts'),
          ...options,
        }),
      )
      t.teardown(() => registration.close())
      return registration
    },
    async names() {
      try {
        return (await client.names()).map(({ name }) => name)
      } catch {
        return undefined
      }
    },
  }
}

test('auto: an epmd that listens is used', async (t) => {
  const { epmd, register, names } = harness(t)
  await epmd()
  const registration = await register('auto')
  t.notOk(registration.isEmbedded)
  t.same(await names(), ['ts'])
  t.ok(registration.creation > 3)
})

test('auto: without an epmd one is embedded, and serves other nodes too', async (t) => {
  const { register, names } = harness(t)
  const first = await register('auto')
  t.ok(first.isEmbedded)
  const second = await register('auto', { alive: 'other', port: 9101 })
  t.notOk(second.isEmbedded)
  t.same((await names())?.sort(), ['other', 'ts'])
})

test('external: without an epmd it is an error, and none is started', async (t) => {
  const { register, names } = harness(t)
  t.match(await failure(register('external')), { code: 'ERR_EPMD_UNREACHABLE' })
  t.equal(await names(), undefined)
})

test('external: an epmd that listens is used', async (t) => {
  const { epmd, register, names } = harness(t)
  await epmd()
  await register('external')
  t.same(await names(), ['ts'])
})

test('embedded: an epmd that listens already is an error', async (t) => {
  const { epmd, register, names } = harness(t)
  const { isEmbedded } = await register('embedded')
  t.ok(isEmbedded)
  t.same(await names(), ['ts'])
  t.match(await failure(register('embedded', { alive: 'other' })), { code: 'ERR_EPMD_ADDRESS_IN_USE' })
  t.match(await failure(epmd()), { code: 'ERR_EPMD_ADDRESS_IN_USE' })
})

test('none: nothing is asked and nothing started; the creation is random and no old one', async (t) => {
  const { register, names } = harness(t)
  const creations = new Set<number>()
  for (let i = 0; i < 20; i++) {
    const { creation, isEmbedded } = await register('none')
    t.notOk(isEmbedded)
    t.ok(creation > 3 && creation < 2 ** 32)
    creations.add(creation)
  }
  t.ok(creations.size > 15)
  t.equal(await names(), undefined)
})

test('a name that is taken is a clear error, and an epmd started for it is not left behind', async (t) => {
  const { register } = harness(t)
  await register('auto')
  const error = await failure(register('auto', { port: 9101 }))
  t.match(error, { code: 'ERR_EPMD_NAME_TAKEN' })
  t.match(error.message, /'ts' is taken/)
})

test('hidden nodes are registered as such', async (t) => {
  const { client, register } = harness(t)
  await register('auto', { hidden: true })
  t.match(await client.lookup('ts'), { nodeType: 72, port: 9100 })
  t.match(await client.lookup('nobody'), undefined)
})

test('close gives the name back, ends the embedded epmd, and can be called twice', async (t) => {
  const { epmd, names, network, register } = harness(t)
  const embedded = await register('auto')
  await embedded.close()
  await embedded.close()
  t.equal(await names(), undefined)
  const server = await epmd({ network })
  const external = await register('auto')
  t.same(await names(), ['ts'])
  await external.close()
  await until(() => server.names().length === 0)
})

test('an epmd that dies and comes back gets the node again, with its creation', async (t) => {
  const { client, epmd, nodes, register } = harness(t)
  const first = await epmd()
  const registration = await register('external')
  const { creation } = registration
  await first.close()
  await nodes.elapse(10_000)
  t.equal(nodes.complaints().length, 2, 'each trouble is told once')
  const second = await epmd()
  await nodes.elapse(1900)
  await nodes.elapse(100)
  t.same(
    second.names().map(({ name, port }) => ({ name, port })),
    [{ name: 'ts', port: 9100 }],
  )
  t.equal(registration.creation, creation)
  await second.close()
  await nodes.elapse(2000)
  await epmd()
  await nodes.elapse(2000)
  t.match(await client.lookup('ts'), { port: 9100 }, 'and so on')
})

test('auto: a node takes over when the epmd dies, the others register with it', async (t) => {
  const { epmd, names, nodes, register } = harness(t)
  const server = await epmd()
  const all = [await register('auto'), await register('auto', { alive: 'other', port: 9101 })]
  await server.close()
  await nodes.elapse(5000)
  t.equal(all.filter(({ isEmbedded }) => isEmbedded).length, 1)
  t.same((await names())?.sort(), ['other', 'ts'])

  const embedding = all.find(({ isEmbedded }) => isEmbedded)!
  const other = all.find((registration) => registration !== embedding)!
  await embedding.close()
  await nodes.elapse(5000)
  t.ok(other.isEmbedded, 'and again when that node leaves')
  t.equal((await names())?.length, 1)
})

test('a connection lost to the own epmd is made again, in every mode that has one', async (t) => {
  for (const mode of ['auto', 'embedded'] as const) {
    const { names, nodes, register } = harness(t)
    const registration = await register(mode)
    nodes.network.reset('box', 'box')
    await nodes.elapse(2500)
    t.same(await names(), ['ts'], mode)
    t.ok(registration.isEmbedded, mode)
    await registration.close()
  }
})

test('a name that was taken in the meantime is told once, and taken when it is free', async (t) => {
  const { epmd, nodes, network, register } = harness(t)
  const first = await epmd()
  await register('external')
  await first.close()
  await nodes.settle()
  const second = await epmd()
  const thief = await new EpmdClient({ network, clock: nodes.clock }).register({ name: 'ts', port: 1 })
  await nodes.elapse(10_000)
  t.equal(nodes.complaints().filter((message) => message.includes("'ts' is taken")).length, 1)
  thief.close()
  await nodes.elapse(2000)
  t.same(
    second.names().map(({ port }) => port),
    [9100],
  )
})

test('nothing is registered after close, not even by an attempt that was under way', async (t) => {
  const { epmd, nodes, register } = harness(t)
  const first = await epmd()
  const registration = await register('auto')
  await first.close()
  // The loss is noticed and the next attempt begins; it must not come to an end.
  await until(() => nodes.complaints().length > 0)
  await registration.close()
  const second = await epmd()
  await nodes.elapse(10_000)
  t.same(second.names(), [])
})

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve))
}

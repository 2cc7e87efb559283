import { test } from 'tap'
import { atom, type Term } from '../../src/etf/index.ts'
import { cluster, settled, testRuntime } from './runtimes.ts'

test('register/2 refuses what the BEAM refuses with badarg', async (t) => {
  const { runtime } = testRuntime(t)
  const pid = runtime.spawn((self) => self.receive())
  const other = runtime.spawn((self) => self.receive())
  runtime.register('one', pid)
  t.throws(() => runtime.register('one', other), { code: 'ERR_RUNTIME_NAME_TAKEN' })
  t.throws(() => runtime.register('two', pid), { code: 'ERR_RUNTIME_NAME_TAKEN' }, 'a process has one name')
  t.throws(() => runtime.register('undefined', other), { code: 'ERR_RUNTIME_BAD_NAME' })
  runtime.exit(other, atom('kill'))
  t.throws(() => runtime.register('two', other), { code: 'ERR_RUNTIME_NO_PROCESS' })
})

test('unregister/1 frees the name and the process can take another', async (t) => {
  const { runtime } = testRuntime(t)
  const pid = runtime.spawn((self) => self.receive())
  runtime.register(atom('one'), pid)
  t.ok(runtime.unregister('one'))
  t.notOk(runtime.unregister('one'))
  runtime.register('two', pid)
  t.same(runtime.registered(), [atom('two')])
})

test('a message to a name that nobody has is an error here and lost elsewhere', async (t) => {
  const { a } = cluster(t)
  t.throws(() => a.runtime.send('nobody', 1), { code: 'ERR_RUNTIME_NO_NAME' })
  a.runtime.send(['nobody', 'a@test'], 1)
  a.runtime.send(['nobody', 'b@test'], 1)
  a.runtime.cast('nobody', 1)
  await settled()
  t.equal(a.log.length, 0)
})

test('a name on another node gets messages', async (t) => {
  const { a, b } = cluster(t)
  const got: Term[] = []
  const pid = b.runtime.spawn(async (self) => {
    for (;;) got.push(await self.receive())
  })
  b.runtime.register('printer', pid)
  a.runtime.send(['printer', 'b@test'], 'page')
  a.runtime.send(pid, 'direct')
  await settled()
  t.same(got, ['page', 'direct'])
})

test('names in other registries are asked, at once or by a promise', async (t) => {
  const { runtime } = testRuntime(t)
  const got: Term[] = []
  const pid = runtime.spawn(async (self) => {
    for (;;) got.push(await self.receive())
  })
  const via = { register: () => true, unregister() {} }
  runtime.send({ ...via, whereis: () => pid }, 1)
  runtime.send({ ...via, whereis: async () => pid }, 2)
  runtime.send({ ...via, whereis: () => undefined }, 'lost')
  runtime.nameResolver = {
    resolve: (name) => (name.global === 'g' ? pid : undefined),
    registerName: async () => false,
    unregisterName: async () => {},
  }
  runtime.send({ global: 'g' }, 3)
  t.throws(() => runtime.send({ global: 'other' }, 'lost'), { code: 'ERR_RUNTIME_NO_NAME' })
  runtime.cast({ global: 'other' }, 'lost')
  await settled()
  t.same(got.sort(), [1, 2, 3])
})

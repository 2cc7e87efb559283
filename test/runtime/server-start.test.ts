import { test } from 'tap'
import { atom, type Pid, type Term, tuple } from '../../src/etf/index.ts'
import { GenServer, ignore, stop, type ViaName } from '../../src/runtime/index.ts'
import { settled, testRuntime } from './runtimes.ts'

const BOOM = atom('boom')
const CODE = 'ERR_RUNTIME_INIT'

/** `init` returns what the function returns. */
class Init extends GenServer<unknown> {
  init(run: (server: Init) => unknown) {
    return run(this)
  }
}

const start = (run: (server: Init) => unknown) => [Init, run] as const

test('start resolves after init, sync or async', async (t) => {
  const { runtime } = testRuntime(t)
  const order: string[] = []
  await runtime.start(...start(() => void order.push('sync')))
  await runtime.start(
    ...start(async () => {
      await settled()
      order.push('async')
    }),
  )
  t.same(order, ['sync', 'async'])
})

test('spawn returns at once and messages wait for init', async (t) => {
  const { runtime } = testRuntime(t)
  const got: Term[] = []
  class Late extends GenServer<null> {
    async init() {
      await settled()
      return null
    }
    override handleInfo(message: Term) {
      got.push(message)
      return stop(atom('normal'), null)
    }
  }
  const pid = runtime.spawn(Late)
  runtime.send(pid, 'early')
  await runtime.client.whenDown(pid)
  t.same(got, ['early'])
})

for (const [how, run, reason] of [
  ['stops', () => stop(BOOM), BOOM],
  ['ignores', () => ignore(), atom('ignore')],
] as const) {
  test(`start rejects when init ${how}`, async (t) => {
    const { runtime, log } = testRuntime(t)
    await t.rejects(runtime.start(...start(run)), { name: 'InitError', code: 'ERR_RUNTIME_INIT', reason })
    t.equal(runtime.processes().length, 1, 'nothing is left')
    t.same(log, [], 'whoever starts it is told')
  })
}

test('start rejects with the exception when init throws', async (t) => {
  const { runtime } = testRuntime(t)
  const error = await runtime
    .start(
      ...start(() => {
        throw new Error('no port')
      }),
    )
    .catch((e) => e)
  const [exception] = error.reason as [Map<Term, Term>]
  t.equal(exception.get(atom('message')), 'Error: no port')
})

test('a spawned server whose init throws is logged, since nobody waits', async (t) => {
  const { runtime, log } = testRuntime(t)
  runtime.spawn(Init, () => {
    throw new Error('no port')
  })
  await settled()
  t.match(log, [{ level: 'error', message: 'a server did not start' }])
})

test('start rejects with timeout when init takes too long, and the server is killed', async (t) => {
  const { runtime, clock } = testRuntime(t)
  const starting = runtime.start(Init, () => new Promise(() => {}), { timeout: 100 })
  await settled()
  clock.advance(100)
  await t.rejects(starting, { code: CODE, reason: atom('timeout') })
  t.equal(runtime.processes().length, 1)
})

test('a server that is killed during init rejects the start', async (t) => {
  const { runtime } = testRuntime(t)
  let pid: Pid | undefined
  const starting = runtime.start(Init, (server: Init) => {
    pid = server.pid
    return new Promise(() => {})
  })
  await settled()
  runtime.exit(pid as Pid, atom('kill'))
  await t.rejects(starting, { code: CODE, reason: atom('killed') })
})

test('a name is registered before init runs', async (t) => {
  const { runtime } = testRuntime(t)
  let seen: Pid | undefined
  const pid = await runtime.start(
    Init,
    () => {
      seen = runtime.whereis('one')
    },
    { name: 'one' },
  )
  t.equal(seen, pid)
})

test('a name that is taken is {already_started, Pid} and init does not run', async (t) => {
  const { runtime } = testRuntime(t)
  const pid = await runtime.start(Init, () => {}, { name: 'one' })
  const second = runtime.start(Init, () => t.fail('init ran'), { name: 'one' })
  await t.rejects(second, { code: CODE, reason: tuple(atom('already_started'), pid) })
  t.equal(runtime.whereis('one'), pid)
})

test('a name is free again when init fails', async (t) => {
  const { runtime } = testRuntime(t)
  await t.rejects(runtime.start(Init, () => stop(BOOM), { name: 'one' }))
  t.equal(runtime.whereis('one'), undefined)
})

/** A registry of one name that keeps a diary. */
function registry(held?: Pid): ViaName & { diary: string[] } {
  const diary: string[] = []
  let holder = held
  return {
    diary,
    whereis: async () => holder,
    register: async (pid) => {
      diary.push('register')
      if (holder !== undefined) return false
      holder = pid
      return true
    },
    unregister: async () => {
      diary.push('unregister')
      holder = undefined
    },
  }
}

test('a via name is registered before init and not given back when the server ends', async (t) => {
  const { runtime } = testRuntime(t)
  const name = registry()
  const pid = await runtime.start(Init, () => void name.diary.push('init'), { name })
  await runtime.stopServer(pid)
  t.same(name.diary, ['register', 'init'])
})

test('a via name that is taken is {already_started, Pid}', async (t) => {
  const { runtime } = testRuntime(t)
  const name = registry(runtime.client.pid)
  const failure = { code: CODE, reason: tuple(atom('already_started'), runtime.client.pid) }
  await t.rejects(
    runtime.start(Init, () => t.fail('init ran'), { name }),
    failure,
  )
  t.same(name.diary, ['register'])
})

test('a via name is given back when init fails', async (t) => {
  const { runtime } = testRuntime(t)
  const name = registry()
  await t.rejects(
    runtime.start(Init, () => stop(BOOM), { name }),
    { code: CODE, reason: BOOM },
  )
  t.same(name.diary, ['register', 'unregister'])
})

test('a global name needs a resolver that registers', async (t) => {
  const { runtime } = testRuntime(t)
  const name = { global: 'g' }
  const error = await runtime.start(Init, () => {}, { name }).catch((e) => e)
  t.match(String(error.message), /set a name resolver/)
  let holder: Pid | undefined
  runtime.nameResolver = {
    resolve: () => holder,
    registerName: async (_name, pid) => {
      holder ??= pid
      return holder === pid
    },
    unregisterName: async () => {},
  }
  const pid = await runtime.start(Init, () => {}, { name })
  t.equal(holder, pid)
  await t.rejects(
    runtime.start(Init, () => {}, { name }),
    { code: CODE, reason: tuple(atom('already_started'), pid) },
  )
})

test('start_link: a parent that does not trap exits ends with a child whose init fails', async (t) => {
  const { runtime } = testRuntime(t)
  let error: unknown
  const parent = runtime.spawn(async (self) => {
    error = await self.startLink(...start(() => stop(BOOM))).catch((e) => e)
    await self.receive()
  })
  t.equal(await runtime.client.whenDown(parent), BOOM)
  t.ok(error === undefined || error instanceof Error)
})

test('start_link: a parent that traps exits gets the error and no exit message', async (t) => {
  const { runtime } = testRuntime(t)
  let error: unknown
  let mail: number | undefined
  runtime.spawn(async (self) => {
    self.trapExit = true
    error = await self.startLink(...start(() => stop(BOOM))).catch((e) => e)
    mail = runtime.processInfo(self.pid)?.messageQueueLength
  })
  await settled()
  t.match(error, { reason: BOOM })
  t.equal(mail, 0)
})

test('start with link makes that process the parent', async (t) => {
  const { runtime } = testRuntime(t)
  const parent = runtime.spawn((self) => self.receive())
  const pid = await runtime.start(Init, () => {}, { link: parent })
  t.equal(runtime.processInfo(pid)?.parent, parent)
  t.same(runtime.processInfo(parent)?.links, [pid])
  runtime.exit(parent, BOOM)
  t.notOk(runtime.isAlive(pid))
  await t.rejects(
    runtime.start(Init, () => {}, { link: parent }),
    { code: CODE, reason: atom('noproc') },
  )
})

test('start_link: a parent that traps exits gets no exit message of a child that is killed in init', async (t) => {
  const { runtime } = testRuntime(t)
  let error: unknown
  let mail: number | undefined
  let child: Pid | undefined
  runtime.spawn(async (self) => {
    self.trapExit = true
    const never = (server: Init): Promise<unknown> => {
      child = server.pid
      return new Promise(() => {})
    }
    error = await self.startLink(...start(never)).catch((e) => e)
    mail = runtime.processInfo(self.pid)?.messageQueueLength
  })
  await settled()
  runtime.exit(child as Pid, atom('kill'))
  await settled()
  t.match(error, { reason: atom('killed') })
  t.equal(mail, 0)
})

test('spawn_link: a parent that traps exits gets the exit message when init fails', async (t) => {
  const { runtime } = testRuntime(t)
  let mail: Term | undefined
  let child: Pid | undefined
  runtime.spawn(async (self) => {
    self.trapExit = true
    child = self.spawnLink(Init, () => stop(BOOM))
    mail = await self.receive()
  })
  await settled()
  t.same(mail, tuple(atom('EXIT'), child, BOOM))
})

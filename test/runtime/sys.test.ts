/** `sys` on servers of this node and of others. */
import { test } from 'tap'
import { atom, inspect, type Pid, type Term, type Tuple, tuple } from '../../src/etf/index.ts'
import { GenServer, noreply, reply, sys } from '../../src/runtime/index.ts'
import { cluster, settled, testRuntime } from './runtimes.ts'

class Counter extends GenServer<number> {
  override init(): number {
    return 0
  }

  override handleCall(_request: Term, _from: unknown, count: number) {
    return reply(count, count)
  }

  override handleCast(request: Term, count: number) {
    return request === atom('timed') ? noreply(count, { timeout: 10 }) : noreply(count + 1)
  }

  override handleInfo(_message: Term, count: number) {
    return noreply(count + 10)
  }

  override async codeChange(oldVersion: Term, count: number, extra: Term) {
    await settled()
    if (extra === 'fail') throw new Error('no such version')
    return count + Number(oldVersion)
  }
}

const GET = atom('get')

for (const across of [false, true]) {
  const where = across ? ' of another node' : ''

  test(`get_state, get_status, suspend, resume and change_code of a server${where}`, async (t) => {
    const { a, b } = cluster(t)
    const caller = across ? b.runtime : a.runtime
    const pid = await a.runtime.start(Counter)
    t.equal(await sys.getState(caller, pid), 0)
    await sys.suspend(caller, pid)
    const call = caller.call(pid, GET)
    await settled()
    t.match(inspect(await sys.getStatus(caller, pid)), /:suspended/)
    await sys.changeCode(caller, pid, { oldVersion: 7 })
    await t.rejects(sys.changeCode(caller, pid, { extra: 'fail' }), {
      code: 'ERR_RUNTIME_SYS',
      reason: { 0: atom('EXIT') },
    })
    await sys.resume(caller, pid)
    t.equal(await call, 7, 'the call has waited')
    await t.rejects(sys.changeCode(caller, pid), {
      code: 'ERR_RUNTIME_SYS',
      reason: { 0: atom('unknown_system_msg') },
    })
    t.ok(a.runtime.isAlive(pid))
  })

  test(`statistics and log of a server${where}`, async (t) => {
    const { a, b } = cluster(t)
    const caller = across ? b.runtime : a.runtime
    const pid = await a.runtime.start(Counter, undefined, { name: 'counter' })
    t.equal(await sys.statistics(caller, pid), undefined)
    t.same(await sys.log(caller, pid), [])
    await sys.statistics(caller, pid, true)
    await sys.log(caller, pid, true)
    caller.cast(pid, atom('inc'))
    await caller.call(pid, GET)
    caller.send(pid, 'hello')
    t.match(await sys.statistics(caller, pid), { messagesIn: 3, messagesOut: 1 })
    const shown = (await sys.log(caller, pid)).map((event) => inspect(event))
    t.match(shown, [
      '{:in, {:"$gen_cast", :inc}}',
      '{:noreply, 1}',
      /^\{:in, \{:"\$gen_call", \{#PID.*\}, :get\}\}$/,
      /^\{:out, 1, \{#PID.*\}, 1\}$/,
      '{:in, "hello"}',
      '{:noreply, 11}',
    ])
    t.match(inspect(await sys.getStatus(caller, pid)), /statistics: \{.*log: \[4, \{\{:noreply, 11\}/s)
    await sys.log(caller, pid, 2)
    t.equal((await sys.log(caller, pid)).length, 2)
    await sys.noDebug(caller, pid)
    t.equal(await sys.statistics(caller, pid), undefined)
    t.same(await sys.log(caller, pid), [])
  })
}

test('a suspended server looks at each message that waits once, and keeps their order', async (t) => {
  const { runtime } = testRuntime(t)
  const got: Term[] = []
  class Keeper extends GenServer<null> {
    override init() {
      return null
    }
    override async codeChange() {
      await this.self.receive((message) => message === 'wanted')
      return null
    }
    override handleInfo(message: Term) {
      got.push(message)
      return noreply(null)
    }
  }
  const pid = await runtime.start(Keeper)
  await sys.suspend(runtime, pid)
  let looks = 0
  const look = (): object => {
    looks++
    return Object.prototype
  }
  const messages = Array.from({ length: 500 }, () => new Proxy({}, { getPrototypeOf: look }) as never)
  for (const message of messages) runtime.send(pid, message)
  for (let i = 0; i < 100; i++) await sys.getState(runtime, pid)
  t.ok(looks <= 2 * messages.length, `${looks} looks`)
  const changed = sys.changeCode(runtime, pid)
  await settled()
  const asked = sys.getState(runtime, pid)
  await settled()
  runtime.send(pid, 'wanted')
  await changed
  t.equal(await asked, null, 'what came while the code changed is found')
  await sys.resume(runtime, pid)
  await settled()
  t.equal(got.length, 500)
  t.ok(got.every((message, i) => message === messages[i]))
})

test('a trace writes every event to the logger', async (t) => {
  const { runtime, log, clock } = testRuntime(t)
  const pid = await runtime.start(Counter, undefined, { name: 'counter' })
  await sys.trace(runtime, pid, true)
  runtime.cast(pid, atom('timed'))
  await settled()
  clock.advance(10)
  await settled()
  await runtime.call(pid, GET)
  await sys.trace(runtime, pid, false)
  runtime.cast(pid, atom('inc'))
  await settled()
  t.match(
    log.map(({ message }) => message),
    [
      '*DBG* :counter got cast :timed',
      '*DBG* :counter new state 0',
      '*DBG* :counter got :timeout',
      '*DBG* :counter new state 10',
      /^\*DBG\* :counter got call :get from #PID/,
      /^\*DBG\* :counter sent 10 to #PID.*, new state 10$/,
    ],
  )
})

test('replace_state runs functions of this node, and keeps the state when they fail', async (t) => {
  const { a, b } = cluster(t)
  const pid = await a.runtime.start(Counter)
  t.equal(await sys.replaceState<number>(a.runtime, pid, (count) => count + 5), 5)
  const failing = sys.replaceState(a.runtime, pid, () => {
    throw new Error('no')
  })
  await t.rejects(failing, { code: 'ERR_RUNTIME_SYS', reason: { 0: atom('callback_failed') } })
  t.equal(await a.runtime.call(pid, GET), 5)
  await t.rejects(
    sys.replaceState(b.runtime, pid, () => 1),
    { code: 'ERR_ETF_NOT_A_TERM' },
  )
  const request = tuple(atom('replace_state'), 'no function') as Term
  t.equal(
    inspect(await b.runtime.request(atom('system'), pid, request)),
    '{:error, {:callback_failed, {:gen_server, :system_replace_state}, {:error, :undef}}}',
  )
})

test('a state that has no term: code of this node gets it, others see text', async (t) => {
  const { a, b } = cluster(t)
  class Holder extends GenServer<{ call: () => number }> {
    override init() {
      return { call: () => 5 }
    }
  }
  const pid = await a.runtime.start(Holder)
  t.equal((await sys.getState<{ call: () => number }>(a.runtime, pid)).call(), 5)
  t.match(await sys.getState(b.runtime, pid), /call/)
  await sys.log(b.runtime, pid, true)
  b.runtime.send(pid, 'hello')
  t.equal((await sys.log(b.runtime, pid)).length, 2)
})

test('what sys does not know is answered as in OTP', async (t) => {
  const { runtime } = testRuntime(t)
  const pid = await runtime.start(Counter)
  const debug = async (command: Term): Promise<string> =>
    inspect(await runtime.request(atom('system'), pid, tuple(atom('debug'), command)))
  const pair = (key: string, value: Term): Term => tuple(atom(key), value) as Term
  t.equal(await debug(pair('install', pair('fun', 1))), ':unknown_debug')
  t.equal(await debug(pair('log', 'x')), ':unknown_debug')
  t.equal(await debug(pair('log', tuple(true, 0) as Term)), ':unknown_debug')
  t.equal(await debug(pair('statistics', 'x')), ':unknown_debug')
  t.equal(await debug(atom('nonsense')), ':unknown_debug')
  t.equal(await debug(pair('remove', 'x')), ':ok')
  t.equal(await debug(pair('log_to_file', '/tmp/file')), '{:error, :open_file}')
  t.equal(await debug(pair('log_to_file', false)), ':ok')
  t.equal(await debug(pair('log', atom('print'))), ':ok')
  t.equal(
    inspect(await runtime.request(atom('system'), pid, 'nonsense')),
    '{:error, {:unknown_system_msg, "nonsense"}}',
  )
})

test('the label of a process is in its dictionary', async (t) => {
  const { runtime } = testRuntime(t)
  class Labelled extends Counter {
    override init(): number {
      this.self.label = tuple(atom('job'), 5)
      return 0
    }
  }
  const pid = await runtime.start(Labelled)
  t.equal(inspect(runtime.processInfo(pid)?.processLabel as Term), '{:job, 5}')
  const [, , , parts] = (await sys.getStatus(runtime, pid)) as Tuple<[Term, Pid, Term, Term[]]>
  t.match(inspect((parts as Term[])[0] as Term), /"\$process_label": \{:job, 5\}/)
})

/**
 * The harness itself: what the other interop tests take for granted of `startPeer`.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { test } from 'tap'
import { findBeam, freePort, PeerEvalError, startEpmd, startPeer, waitFor, withCleanup } from './peer.ts'

const COOKIE = 'harness'

test('a peer evaluates Elixir and keeps the variables of a session', async (t) => {
  const epmd = await startEpmd()
  t.teardown(() => epmd.kill())
  const peer = await startPeer({ name: 'ex', cookie: COOKIE, epmdPort: epmd.port })
  t.teardown(() => peer.kill())

  t.equal(await peer.eval('Node.self()'), ':"ex@127.0.0.1"')
  t.equal(await peer.eval('x = "über"; x'), '"über"')
  t.equal(await peer.eval('{x, [1, 2], %{a: nil}}'), '{"über", [1, 2], %{a: nil}}')
  t.match(peer.version, new RegExp(`^OTP ${findBeam().otp} Elixir 1\\.\\d+`))

  await t.test('one session is one process, another session another', async (t) => {
    await peer.eval('send(self(), :hello)')
    t.equal(await peer.eval('receive do m -> m after 0 -> :none end'), ':hello')
    await peer.eval('send(self(), :hello)')
    t.equal(await peer.eval('receive do m -> m after 0 -> :none end', { session: 'b' }), ':none')
    t.equal(await peer.eval('binding()', { session: 'b' }), '[]')
  })

  await t.test('sessions run at the same time', async (t) => {
    const waiting = peer.eval('receive do :go -> :gone end', { session: 'slow' })
    await peer.eval('Process.register(self(), :main)')
    const other = peer.eval('Process.register(self(), :other); receive do m -> m end', { session: 'other' })
    await waitFor(async () => (await peer.eval('Process.whereis(:other)')) !== 'nil', { what: ':other' })
    await peer.eval('send(:other, :released)')
    t.equal(await other, ':released')
    await t.rejects(peer.eval(':timer.sleep(5000)', { session: 'b', timeout: 50 }), /no answer in 50 ms/)
    t.equal(await peer.eval(':fresh', { session: 'b' }), ':fresh', 'a timeout ends the session')
    const ended = t.rejects(waiting, /has ended/)
    await peer.kill()
    await ended
  })
})

test('failures of the code reject with what Elixir prints of them', async (t) => {
  const epmd = await startEpmd()
  t.teardown(() => epmd.kill())
  const peer = await startPeer({ name: 'ex', cookie: COOKIE, epmdPort: epmd.port })
  t.teardown(() => peer.kill())

  await t.rejects(peer.eval('raise "boom"'), PeerEvalError)
  await t.rejects(peer.eval('raise "boom"'), { message: /\*\* \(RuntimeError\) boom/ })
  await t.rejects(peer.eval('1 +'), { message: /TokenMissingError|SyntaxError/ })
  await t.rejects(peer.eval('throw :ball'), { message: /\(throw\) :ball/ })
  await t.rejects(peer.eval('Process.exit(self(), :kill)'), { message: 'exited: :killed' })
  t.equal(await peer.eval('IO.puts("printed"); 1'), '1', 'a new process takes the session over')
  t.match(peer.output, /^printed$/m)
})

test('a peer can be plain Erlang', async (t) => {
  const epmd = await startEpmd()
  t.teardown(() => epmd.kill())
  const peer = await startPeer({ name: 'erl', cookie: COOKIE, epmdPort: epmd.port, elixir: false })
  t.teardown(() => peer.kill())

  t.equal(await peer.eval('X = node(), X.'), "'erl@127.0.0.1'")
  t.equal(await peer.eval('{X, [1, 2], <<"a">>}.'), `{'erl@127.0.0.1',[1,2],<<"a">>}`)
  await t.rejects(peer.eval('error(boom).'), { message: /^\*\* error boom/ })
  await t.rejects(peer.eval('exit(self(), kill).'), { message: 'exited: killed' })
  t.equal(await peer.eval('is_process_alive(self()).'), 'true')
})

test('peers find each other through the epmd of the test and share names of interop/elixir', async (t) => {
  const epmd = await startEpmd()
  t.teardown(() => epmd.kill())
  const options = { cookie: COOKIE, epmdPort: epmd.port }
  const [one, two] = await Promise.all([
    startPeer({ ...options, name: 'one' }),
    startPeer({ ...options, name: 'two', hidden: false }),
  ])
  t.teardown(() => Promise.all([one.kill(), two.kill()]))

  await two.eval('{:ok, agent} = Agent.start(fn -> 41 end, name: {:via, Beamjoin.Registry, {DS, MGS}})')
  t.equal(await one.eval('Node.connect(:"two@127.0.0.1")'), 'true')
  t.equal(await one.eval('Agent.get(Beamjoin.via(DS, MGS), :erlang, :abs, [])'), '41')

  await one.eval('Node.monitor(:"two@127.0.0.1", true)')
  await two.kill()
  t.equal(await one.eval('receive do m -> m after 5000 -> :none end'), '{:nodedown, :"two@127.0.0.1"}')
})

test('a hidden peer is not in Node.list()', async (t) => {
  const epmd = await startEpmd()
  t.teardown(() => epmd.kill())
  const options = { cookie: COOKIE, epmdPort: epmd.port, library: false }
  const one = await startPeer({ ...options, name: 'one' })
  t.teardown(() => one.kill())
  const two = await startPeer({ ...options, name: 'two', hidden: true })
  t.teardown(() => two.kill())

  t.equal(await two.eval('Node.connect(:"one@127.0.0.1")'), 'true')
  // Who is dialed is up a moment later than who dials.
  await waitFor(async () => (await one.eval('Node.list(:hidden)')) === '[:"two@127.0.0.1"]', {
    what: 'the hidden peer in Node.list(:hidden)',
  })
  t.equal(await one.eval('Node.list()'), '[]')
})

test('kill, stop and the signals end or freeze the very process', async (t) => {
  const epmd = await startEpmd()
  t.teardown(() => epmd.kill())
  const options = { name: 'ex', cookie: COOKIE, epmdPort: epmd.port, library: false }

  const stopped = await startPeer(options)
  t.same(await stopped.stop(), { code: 0, signal: null })
  t.same(await stopped.stop(), { code: 0, signal: null }, 'twice is fine')
  await t.rejects(stopped.eval('1'), /has ended \(exit code 0\)/)

  const killed = await startPeer(options)
  t.teardown(() => killed.kill())
  t.equal(await killed.eval('System.pid()'), `"${killed.pid}"`)
  await killed.freeze()
  await t.rejects(killed.eval('1', { timeout: 100 }), /no answer in 100 ms/)
  killed.signal('SIGCONT')
  t.equal(await killed.eval('2'), '2')
  t.same(await killed.kill(), { code: null, signal: 'SIGKILL' })
  t.equal(killed.running, false)
})

test('a peer that exits before it is ready says why', async (t) => {
  const epmdPort = await freePort()
  const options = { name: 'ex', cookie: COOKIE, epmdPort, library: false }
  await t.rejects(startPeer(options), /peer ex@127\.0\.0\.1 on OTP \d+ has ended \(exit code 1\)/)
  await t.rejects(startPeer({ ...options, otp: 1 }), /OTP 1 is neither .*npm run beam:matrix/)
})

test('peers go when the process that started them goes', async (t) => {
  const epmd = await startEpmd()
  t.teardown(() => epmd.kill())
  const script = `
    import { startPeer } from ${JSON.stringify(fileURLToPath(new URL('./peer.ts', import.meta.url)))}
    const options = { name: 'ex', cookie: 'c', epmdPort: ${epmd.port}, library: false }
    console.log((await startPeer(options)).pid)
    if (process.argv.includes('exit')) process.exit(0)
  `
  for (const end of ['exit', 'SIGTERM', 'SIGINT', 'SIGKILL'] as const) {
    const args = ['--import=tsx', '--input-type=module', '-e', script, end]
    const owner = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    t.teardown(() => owner.kill('SIGKILL'))
    const [printed] = (await once(owner.stdout, 'data')) as [Buffer]
    const pid = Number(printed.toString())
    t.ok(isAlive(pid) || end === 'exit', `the peer runs before ${end}`)
    if (end !== 'exit') owner.kill(end)
    await waitFor(() => !isAlive(pid), { what: `the end of the peer after ${end}` })
    t.pass(`the peer is gone after ${end}`)
  }
})

test('withCleanup undoes in reverse order, also after a failure', async (t) => {
  const done: string[] = []
  const failing = withCleanup(async (defer) => {
    defer(() => done.push('first'))
    defer(async () => {
      done.push('second')
      throw new Error('of the cleanup')
    })
    throw new Error('of the body')
  })
  await t.rejects(failing, { message: 'of the body' })
  t.same(done, ['second', 'first'])
  t.equal(await withCleanup(async () => 1), 1)
  await t.rejects(
    waitFor(() => false, { timeout: 20, what: 'nothing' }),
    /waited 20 ms for nothing/,
  )
})

/** A zombie, which nobody has reaped yet, is gone for our purpose. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return process.platform !== 'linux'
  }
}

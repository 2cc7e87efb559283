/** Erlang's own C client against our node: `erl_call`, which is a hidden node for the time of one call. */
import { execFile } from 'node:child_process'
import { test } from 'tap'
import { atom, ExitError, io } from '../src/index.ts'
import { findBeam, freePort } from './peer.ts'
import { beamCommand } from './support/beam.ts'
import { COOKIE, startTsNode, TS } from './support/cluster.ts'

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

function erlCall(epmdPort: number, ...args: string[]): Promise<Ran> {
  const [command, all] = beamCommand(findBeam(), 'erl_call', args)
  const env = { ...process.env, ERL_EPMD_PORT: String(epmdPort) }
  return new Promise((resolve) => {
    execFile(command, all, { env, timeout: 30_000 }, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, out, err })
    })
  })
}

test('erl_call calls what is exposed, and nothing else', async (t) => {
  const epmdPort = await freePort()
  const node = await startTsNode(t, { epmdPort })
  node.rpc.expose('ts', {
    add: (a, b) => Number(a) + Number(b),
    echo: (term) => term,
    fail: () => {
      throw new ExitError(atom('broken'))
    },
  })
  const call = (...args: string[]) => erlCall(epmdPort, '-n', TS, '-c', COOKIE, ...args)

  t.same(await call('-a', 'ts add [1,2]'), { code: 0, out: '3', err: '' })
  t.same(await call('-a', 'erlang node []'), { code: 0, out: `'${TS}'`, err: '' })
  t.match(await call('-a', 'ts echo [[{a,"text",[1,2.5]}]]'), {
    code: 0,
    out: /^\[\{a, ?"text", ?\[1, ?2\.5/,
  })
  t.match(await call('-a', 'os cmd ["id"]'), { code: 0, out: /badrpc.*undef/ })
  t.match(await call('-a', 'ts fail []'), { code: 0, out: /badrpc.*broken/ })
  t.match(await erlCall(epmdPort, '-address', `127.0.0.1:${node.port}`, '-c', COOKIE, '-a', 'ts add [3,4]'), {
    code: 0,
    out: '7',
  })

  const stranger = await erlCall(epmdPort, '-n', TS, '-c', 'wrong', '-a', 'erlang node []')
  t.match(stranger, { code: 1, out: '', err: /failed to connect/ })
})

test('erl_call -q does not end the node, -e and -m run no code of others', async (t) => {
  const epmdPort = await freePort()
  const node = await startTsNode(t, { epmdPort })
  await erlCall(epmdPort, '-n', TS, '-c', COOKIE, '-q')
  const evaluated = erlCall(epmdPort, '-n', TS, '-c', COOKIE, '-a', 'erl_eval eval_str ["halt()."]')
  t.match(await evaluated, { code: 0, out: /badrpc.*undef/ })
  const alive = await erlCall(epmdPort, '-n', TS, '-c', COOKIE, '-a', 'erlang node []')
  t.equal(alive.out, `'${TS}'`, 'it is still there')
  t.same(node.nodes(), [])
})

test('erl_call shows what the function prints, before its value', async (t) => {
  const epmdPort = await freePort()
  const node = await startTsNode(t, { epmdPort })
  node.rpc.expose('ts', {
    report: async () => {
      for (const line of ['héllo', 'world']) await io.puts(line)
      return 'done'
    },
  })
  const shown = await erlCall(epmdPort, '-n', TS, '-c', COOKIE, '-fetch_stdout', '-a', 'ts report []')
  t.match(shown, { code: 0, out: 'héllo\nworld\n#Bin<100,111,110,101>' })
})

/** `erl -remsh` and `iex --remsh` in a terminal, against our node. */
import { test } from 'tap'
import { freePort } from './peer.ts'
import { COOKIE, startTsNode, type Teardown, TS } from './support/cluster.ts'
import { startInTerminal, type Terminal } from './support/pty.ts'

type Shell = 'erl' | 'iex'

const SHELL_NODE = 'sh@127.0.0.1'
const SHELLS: readonly Shell[] = ['erl', 'iex']

async function open(t: Teardown, shell: Shell, remoteShell: boolean) {
  const epmdPort = await freePort()
  const node = await startTsNode(t, { epmdPort, remoteShell })
  const args =
    shell === 'erl'
      ? ['-name', SHELL_NODE, '-setcookie', COOKIE, '-remsh', TS]
      : ['--name', SHELL_NODE, '--cookie', COOKIE, '--remsh', TS]
  const terminal = startInTerminal(t, shell, args, { ERL_EPMD_PORT: String(epmdPort) })
  return { node, terminal }
}

for (const shell of SHELLS) {
  test(`${shell} opens a JavaScript prompt in our node`, async (t) => {
    const { node, terminal } = await open(t, shell, true)
    let hits = 0
    node.rpc.expose('ts', { hit: () => ++hits })
    await terminal.until(/ts@127\.0\.0\.1> /)
    await terminal.enter('1 + 41', /\n42\n/)
    await terminal.enter('node.name', /:"ts@127\.0\.0\.1"/)
    await terminal.enter('const five = await Promise.resolve(5)', /> /)
    await terminal.enter('five * 2', /\n10\n/)
    await terminal.enter('_ + 1', /\n11\n/)
    await terminal.enter("await node.rpc.call(node.name, 'ts', 'hit', [])", /\n1\n/)
    t.equal(hits, 1)
    await terminal.enter("console.log('printed', atom('ok'))", /printed :ok/)
    await terminal.enter("throw new Error('thrown here')", /Uncaught Error: thrown here/)
    await terminal.enter('nonsense (', /\.\.\. /)
    await terminal.enter(')', /Uncaught ReferenceError: nonsense is not defined/)
    await terminal.enter('\'ü\' + "€"', /'ü€'/)
    await terminal.enter('let x = {', /\.\.\. /)
    await terminal.enter('.break', /> /)
    await terminal.enter('.help', /\.exit/)
    await terminal.enter(
      "setTimeout(() => { throw new Error('later') }, 1); 'scheduled'",
      /scheduled[\s\S]*later/,
    )
    await interrupt(terminal)
    await terminal.enter('.exit', /Shell process terminated|terminated|\*\*\*/)
    t.equal(await node.ping(node.name), 'pong')
    t.ok(node.whereis('rex'), 'the node goes on')
  })

  test(`${shell} is told that our node lets nobody in, and nothing is evaluated`, async (t) => {
    const { node, terminal } = await open(t, shell, false)
    await terminal.until(/lets nobody in/)
    terminal.type("node.register('hacked', node.self)\r")
    // The other side is not stuck: it answers, and can be left.
    t.equal(await node.ping(SHELL_NODE), 'pong')
    t.equal(node.whereis('hacked'), undefined)
    terminal.type('\x07')
    await terminal.until(/--> /)
    terminal.type('q\r')
    t.match(await terminal.exited, { code: 0 })
    t.equal(node.whereis('hacked'), undefined)
  })
}

/** Ctrl-G, and `i` for interrupt, while something is awaited. */
async function interrupt(terminal: Terminal): Promise<void> {
  terminal.type('await new Promise(() => {})\r')
  await terminal.until(/=> \{\}\)/)
  terminal.type('\x07')
  await terminal.until(/--> /)
  await terminal.enter('i', /--> /)
  await terminal.enter('c', /interrupted/)
  await terminal.enter('3 * 14', /\n42\n/)
}

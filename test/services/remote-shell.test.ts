/** Remote shells, with a process of another node as the terminal. */
import { test } from 'tap'
import type { BeamNode } from '../../src/beam-node.ts'
import { atom, type Encodable, Pid, type Reference, type Term, Tuple, tuple } from '../../src/etf/index.ts'
import type { Process } from '../../src/runtime/index.ts'
import type { StartNodeOptions } from '../../src/start.ts'
import { failure, type Teardown, TestNodes } from '../support/two-nodes.ts'

const EOF = atom('eof')
const ERROR = atom('error')

/** A terminal: what is typed into it and what it shows. */
class Screen {
  readonly pid: Pid
  shown = ''
  readonly #typed: Encodable[] = []
  #self!: Process
  #reading: ((line: Encodable) => void) | undefined

  constructor(node: BeamNode) {
    this.pid = node.spawn(async (self) => {
      this.#self = self
      for (;;) this.#handle(await self.receive())
    })
  }

  /** A line, `:eof`, or `{:error, :interrupted}`. */
  type(line: Encodable): void {
    if (this.#reading === undefined) this.#typed.push(line)
    else this.#reading(line)
    this.#reading = undefined
  }

  #handle(message: Term): void {
    if (!(message instanceof Tuple) || message[0] !== atom('io_request')) return
    const [, from, ref, request] = message as unknown as [Term, Pid, Reference, Tuple]
    const answer = (reply: Encodable): void => this.#self.send(from, tuple(atom('io_reply'), ref, reply))
    this.shown += request[2]
    if (request[0] === atom('put_chars')) answer(atom('ok'))
    else if (this.#typed.length > 0) answer(this.#typed.shift())
    else this.#reading = answer
  }
}

async function setUp(t: Teardown, remoteShell: StartNodeOptions['remoteShell'] = true) {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair({}, { remoteShell } as object)
  const screen = new Screen(a)
  const start = async (module: string, fun: string, args: Encodable[] = []): Promise<Pid> => {
    const what = { node: b.name, module: atom(module), function: atom(fun), args }
    // The spawned process is the one that starts the shell; the shell is its child.
    const before = b.runtime.processes()
    await a.runtime.spawnOn(what, { groupLeader: screen.pid })
    const isNew = (pid: Pid): boolean => !before.some((old) => old.equals(pid))
    await nodes.settle(5)
    return b.runtime.processes().find(isNew) as Pid
  }
  const shows = (text: string | RegExp) =>
    nodes.until(
      () => (typeof text === 'string' ? screen.shown.includes(text) : text.test(screen.shown)),
      `${text}`,
    )
  return { nodes, a, b, screen, start, shows }
}

test('lines are evaluated in the node, and the shell ends with them', async (t) => {
  const { b, nodes, screen, shows, start } = await setUp(t, { scope: { seven: 7, tuple: undefined } })
  const shell = await start('shell', 'start')
  await shows('b@b> ')
  screen.type('seven * 6\n')
  await shows('42\n')
  screen.type('[typeof tuple, typeof atom, node.name]\n')
  await shows("[ 'undefined', 'function', :b@b ]")
  screen.type([...'const n = await Promise.resolve(3)\r\n'].map((character) => character.charCodeAt(0)))
  screen.type('n + 3\n')
  await shows('6\n')
  screen.type('await Promise.reject(new RangeError("far"))\n')
  await shows('Uncaught RangeError: far')
  screen.type('undefined\n')
  screen.type('\n')
  screen.type('({ get x() { throw 1 }, [Symbol.for("nodejs.util.inspect.custom")]() { throw 2 } })\n')
  await shows('#unreadable<2>')
  t.ok(b.runtime.isAlive(shell))
  screen.type(EOF)
  await nodes.until(() => !b.runtime.isAlive(shell))
})

test('code over several lines is collected, and given up by Ctrl-C and .break', async (t) => {
  const { screen, shows, start } = await setUp(t)
  await start('shell', 'start_interactive')
  for (const line of ['[1,\n', '2]\n']) screen.type(line)
  await shows('[ 1, 2 ]')
  screen.type('{\n')
  await shows(/\.\.\. $/)
  screen.type(tuple(ERROR, atom('interrupted')))
  await shows(/b@b> $/)
  screen.type('(\n')
  screen.type('.break\n')
  screen.type('.help\n')
  await shows('.exit')
})

test('Ctrl-C gives up waiting', async (t) => {
  const { a, nodes, screen, shows, start } = await setUp(t)
  const shell = await start('shell', 'start')
  screen.type('await new Promise(() => {})\n')
  await nodes.settle()
  a.exit(shell, atom('interrupt'))
  await shows('interrupted')
  screen.type('1 + 1\n')
  await shows('2\n')
})

test('what Ctrl-C left running ends without a word in the evaluation of another line', async (t) => {
  const release: Record<string, () => void> = {}
  const scope = {
    fails: () => new Promise((_, reject) => (release['fails'] = () => reject(new Error('late')))),
    gives: () => new Promise((resolve) => (release['gives'] = () => resolve('the value'))),
  }
  const { a, nodes, screen, shows, start } = await setUp(t, { scope })
  const shell = await start('shell', 'start')
  screen.type('let kept = 1\n')
  screen.type('await fails()\n')
  await nodes.until(() => release['fails'] !== undefined)
  a.exit(shell, atom('interrupt'))
  await shows('interrupted')
  screen.type('await gives()\n')
  await nodes.until(() => release['gives'] !== undefined)
  release['fails']?.()
  await shows('late')
  release['gives']?.()
  await shows("'the value'")
  screen.type('kept + 41\n')
  await shows('42\n')
})

test('the shell ends when its terminal does', async (t) => {
  const { a, b, nodes, screen, shows, start } = await setUp(t)
  const shell = await start('shell', 'start')
  await shows('> ')
  a.exit(screen.pid, atom('kill'))
  await nodes.until(() => !b.runtime.isAlive(shell))
  t.same(b.runtime.pending(), { calls: 0, aliases: 0, remoteMonitors: 0, spawns: 0 })
})

test('iex may come to the end of its own start first', async (t) => {
  const { a, nodes, screen, shows, start } = await setUp(t)
  const got: Term[] = []
  const parent = a.spawn(async (self) => {
    const begin = await self.receive()
    got.push(begin)
    const [, ref, shell] = begin as unknown as [Term, Reference, Pid]
    t.equal(screen.shown, '', 'nothing is shown before')
    self.send(shell, tuple(atom('done'), ref))
  })
  const ref = a.runtime.makeRef()
  await start('iex', 'start', [[], tuple(atom('iex'), atom('sync_remote'), [parent, ref])])
  await nodes.until(() => got.length === 1)
  await shows('b@b> ')
})

test('without the option the user is told so, and what is typed is never read', async (t) => {
  const { b, nodes, screen, shows, start } = await setUp(t, false)
  screen.type('node.register("hacked", node.self)\n')
  for (const [module, fun, args] of [
    ['shell', 'start', []],
    ['Elixir.IEx', 'start', [[], 1]],
  ] as const) {
    screen.shown = ''
    const before = b.runtime.processes().length
    await start(module, fun, [...args])
    await shows('lets nobody in')
    await nodes.until(() => b.runtime.processes().length === before)
  }
  t.equal(b.whereis('hacked'), undefined)
})

test('who is refused is gone also when others send something first, or the terminal is silent', async (t) => {
  const { a, b, nodes } = await setUp(t, false)
  const before = b.runtime.processes().length
  let stray = 0
  const terminal = a.spawn(async (self) => {
    for (;;) {
      const request = await self.receive()
      self.send((request as Tuple)[1] as Pid, 'stray')
      stray++
    }
  })
  const what = { node: b.name, module: atom('shell'), function: atom('start'), args: [] }
  await a.runtime.spawnOn(what, { groupLeader: terminal })
  await nodes.until(() => stray === 1)
  t.equal(b.runtime.processes().length, before + 1, 'it waits for the answer')
  await nodes.elapse(5000)
  await nodes.until(() => b.runtime.processes().length === before)
})

test('a node that tells tools nothing has no shell either, unless it is asked for', async (t) => {
  const nodes = new TestNodes(t)
  const quiet = { introspection: false } as object
  const [a, b] = await nodes.pair({}, quiet)
  t.match(await failure(a.rpc.call(b.name, 'shell', 'start', [])), { message: /undef/ })
  const c = await nodes.start('c', { ...quiet, remoteShell: true } as object)
  t.match(await a.rpc.call(c.name, 'code', 'ensure_loaded', [atom('shell')]), { 1: atom('shell') })
  t.equal(await a.rpc.call(c.name, 'net_kernel', 'get_net_ticktime', []), 60)
  t.ok((await a.rpc.call(c.name, 'shell', 'start', [])) instanceof Pid)
  t.match(await failure(a.rpc.call(c.name, 'erlang', 'memory', [])), { message: /undef/ })
  t.match(await failure(nodes.start('d', { remoteShell: 'yes' } as object)), { code: 'ERR_INVALID_OPTION' })
})

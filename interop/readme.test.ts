/** What the README shows is true: its programs run and iex answers as it says. Its commands: test/readme.test.ts. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { test } from 'tap'
import { startEpmd, startPeer, waitFor } from './peer.ts'
import { type ReapedChild, spawnReaped } from './support/reaper.ts'
import { typeCheck } from './support/type-check.ts'
import { withValueChecks } from './support/value-comments.ts'

const ROOT = new URL('../', import.meta.url)
const README = await readFile(new URL('README.md', ROOT), 'utf8')
const DONE = '@done'

/** What the README takes for granted on `n1@127.0.0.1`. */
const MY_SERVER = `
  defmodule MyServer do
    use GenServer
    def init(n), do: {:ok, n}
    def handle_call(:get, _from, n), do: {:reply, n, n}
  end
  {:ok, _} = GenServer.start(MyServer, 42, name: :my_server)
  :ok
`

function blocks(language: string): string[] {
  return [...README.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
    .filter((block) => block[1] === language)
    .map((block) => block[2] ?? '')
}

/** Question and answer of each `iex>`. */
function iexLines(block: string): [string, string][] {
  const pairs = block.split('iex> ').slice(1)
  return pairs.map((pair) => {
    const [question = '', ...answer] = pair.trim().split('\n')
    return [question, answer.join('\n')]
  })
}

test('the programs run against an Elixir node, and iex answers as it says', async (t) => {
  const epmd = await startEpmd()
  t.teardown(() => epmd.kill())
  const peer = await startPeer({ name: 'n1', cookie: 'secret', epmdPort: epmd.port })
  t.teardown(() => peer.kill())
  await peer.eval(MY_SERVER)

  const folder = new URL(`.tap/readme-${process.pid}/`, ROOT)
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  await mkdir(folder, { recursive: true })
  const [supervisor = '', guide = '', ...others] = blocks('ts')
  t.same(others, [], 'there are two programs')
  await writeFile(new URL('supervisor.ts', folder), toProgram(supervisor))
  await writeFile(new URL('guide.ts', folder), toProgram(guide))
  t.same([...(await typeCheck(folder)).values()], [])

  const running = await run(folder, 'supervisor.ts', epmd.port)
  t.teardown(() => running.process.kill('SIGKILL'))
  const [questions = '', ...more] = blocks('elixir')
  t.same(more, [], 'there is one conversation with iex')
  for (const [question, answer] of iexLines(questions)) t.equal(await peer.eval(question), answer, question)
  running.process.kill('SIGTERM')
  await running.exited

  const visitor = await run(folder, 'guide.ts', epmd.port)
  t.teardown(() => visitor.process.kill('SIGKILL'))
  t.match(await visitor.exited, { code: 0 }, 'after node.stop() the process ends by itself')
})

/** With checks of the values in comments, and a line that says that the end was reached. */
function toProgram(block: string): string {
  return [
    "import { checkValue } from '../../interop/support/value-comments.ts'",
    withValueChecks(block).code,
    `console.log('${DONE}')`,
    'void checkValue\n',
  ].join('\n')
}

/** Resolves when the program has come to its end; it may go on running. */
async function run(folder: URL, file: string, epmdPort: number): Promise<ReapedChild> {
  const child = spawnReaped(process.execPath, ['--import=tsx', file], {
    cwd: fileURLToPath(folder),
    env: { ...process.env, ERL_EPMD_PORT: String(epmdPort) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const { stdout, stderr } = child.process
  const lines: string[] = []
  for (const stream of [stdout!, stderr!])
    createInterface({ input: stream }).on('line', (line) => lines.push(line))
  const ended = child.exited.then(() => lines.includes(DONE) || Promise.reject(new Error(lines.join('\n'))))
  const done = waitFor(() => lines.includes(DONE), { what: `the end of ${file}`, timeout: 15_000 })
  await Promise.race([done, ended])
  return child
}

/**
 * What `erl -remsh` and `iex --remsh` call on the node that they connect to (protocol.md 9.9). The shell is a process here
 * whose group leader is the terminal on the other node.
 *
 *   erl     code:ensure_loaded(shell), ..., shell:start() | shell:start_interactive()            -> pid
 *   iex     code:ensure_loaded('Elixir.IEx' | iex), ..., 'Elixir.IEx' | iex:start(_, MFA)        -> pid
 *
 * Switched off, each of them says so on the terminal and ends; nothing is evaluated then.
 */
import { atom, Pid, Reference, type Term, Tuple, tuple } from '../../etf/index.ts'
import type { Process } from '../../runtime/index.ts'
import { exposeBeforeShell } from '../introspection/before-shell.ts'
import type { DescribedNode } from '../introspection/described-node.ts'
import type { ExposedFunction, FunctionTable } from '../rpc/exposed.ts'
import { runSession } from './session.ts'
import { Terminal } from './terminal.ts'

const BEGIN = atom('begin')
const DONE = atom('done')
const NO_EXPANSION = tuple(atom('no'), [], [])
/** The other side needs a moment until its terminal is ours; without its word the shell starts all the same. */
const SYNC_TIMEOUT_MS = 5000

/** @param scope names that the code of a shell sees, or undefined: shells are refused */
export function exposeRemoteShell(
  functions: FunctionTable,
  node: DescribedNode,
  scope: Readonly<Record<string, unknown>> | undefined,
): void {
  const run = async (self: Process, sync: Term | undefined): Promise<void> => {
    await synchronise(self, sync)
    if (scope === undefined) await refuse(self, node.name.name)
    else await runSession(self, { nodeName: node.name.name, scope })
  }
  const start: ExposedFunction = function (...args) {
    return this.spawn((self) => run(self, args.at(-1)))
  }
  const expose = functions.exposeByDefault.bind(functions)
  expose('shell', { 'start/0': start, 'start/1': start, 'start_interactive/0': start })
  expose('Elixir.IEx', { 'start/2': start })
  expose('iex', { 'start/2': start })
  expose('edlin_expand', { expand: () => NO_EXPANSION })
  expose('Elixir.IEx.Autocomplete', { expand: () => NO_EXPANSION })
  exposeBeforeShell(functions, node)
}

/** `{Module, Function, [Pid, Ref]}`: iex lets its own start-up come to an end first. */
async function synchronise(self: Process, mfa: Term | undefined): Promise<void> {
  const args = mfa instanceof Tuple && mfa.length === 3 ? (mfa[2] as Term) : undefined
  if (!Array.isArray(args)) return
  const [parent, ref] = args
  if (!(parent instanceof Pid && ref instanceof Reference)) return
  self.send(parent, tuple(BEGIN, ref, self.pid))
  const isDone = (message: Term): boolean =>
    message instanceof Tuple && message.length === 2 && message[0] === DONE && ref.equals(message[1])
  await self.receive(isDone, { timeout: SYNC_TIMEOUT_MS }).catch(() => {})
}

async function refuse(self: Process, name: string): Promise<void> {
  const terminal = new Terminal(self)
  const text = `\n*** ${name} lets nobody in: start it with the option remoteShell, or --remote-shell ***\n`
  void terminal.write(text)
  // Only the answer: anybody may have sent something else. A terminal that gives none is not waited for.
  await self.receive((message) => terminal.handle(message), { timeout: SYNC_TIMEOUT_MS }).catch(() => {})
}

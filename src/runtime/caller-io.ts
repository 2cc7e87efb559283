/** Who has called the code that runs, and where its output goes: for functions that get no process to ask. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { ProcessError } from './errors.ts'
import type { Process } from './process.ts'
import type { Io } from './process-io.ts'

const current = new AsyncLocalStorage<Process>()

/** Runs code as that of `self`, so that `io` below knows whose it is. Async code that it starts is included. */
export function runAs<T>(self: Process, run: () => T): T {
  return current.run(self, run)
}

/**
 * Output and input of whoever called: in a function that another node calls by rpc or erpc it goes to the terminal of the
 * caller, as `IO.puts` does there. In processes use `self.io`.
 *
 * @throws ProcessError `ERR_RUNTIME_IO` outside of such functions, and when the caller's group leader refuses.
 * @example
 * node.rpc.expose('Elixir.Greeter', {
 *   greet: async (name) => {
 *     await io.puts(`Hello, ${name}`)
 *     return atom('ok')
 *   },
 * })
 * // iex> :rpc.call(:"ts@127.0.0.1", Greeter, :greet, ["world"])
 * // Hello, world
 */
export const io: Io = {
  puts: (item) => ioOfCaller().puts(item),
  write: (item) => ioOfCaller().write(item),
  inspect: (term) => ioOfCaller().inspect(term),
  gets: (prompt) => ioOfCaller().gets(prompt),
  request: (request) => ioOfCaller().request(request),
}

function ioOfCaller(): Io {
  const self = current.getStore()
  if (self !== undefined) return self.io
  throw new ProcessError('ERR_RUNTIME_IO', 'nobody has called this code: use self.io in a process')
}

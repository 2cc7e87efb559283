/** Who has called the code that runs, and where its output goes: for functions that get no process to ask. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Term } from '../etf/index.ts'
import { ProcessError } from './errors.ts'
import type { Process } from './process.ts'
import type { Io } from './process-io.ts'

type Run = (this: Process, ...args: Term[]) => unknown

const current = new AsyncLocalStorage<Process>()

/** Functions that never ask for `io`. */
const silent = new WeakSet<Run>()

/**
 * The same functions, which are not followed: with the first one that is, every promise of the program costs more from
 * then on. For what nodes ask each other all the time.
 */
export function silently<F extends Readonly<Record<string, Run>>>(functions: F): F {
  for (const run of Object.values(functions)) silent.add(run)
  return functions
}

/** Runs a function as that of `self`, so that `io` below knows whose it is. Async code that it starts is included. */
export function runAs(self: Process, run: Run, args: Term[]): unknown {
  if (silent.has(run)) return run.apply(self, args)
  return current.run(self, () => run.apply(self, args))
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

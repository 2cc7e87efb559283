/** The child that the documented examples of the hex package start, in TypeScript and in Elixir: it counts. */
import { atom, type From, GenServer, noreply, reply, stop, type Term } from '../../src/index.ts'

/** Call `:state`: `{from, count}`. Casts: `:inc`, `:raise`, `:shutdown`. Plain messages are ignored. */
export class Worker extends GenServer<number> {
  override init(): number {
    return 0
  }

  override handleCall(_state: Term, from: From, count: number) {
    return reply([from, count], count)
  }

  override handleCast(request: Term, count: number) {
    if (request === atom('raise')) throw new Error('asked to crash')
    if (request === atom('shutdown')) return stop(atom('normal'), count)
    return noreply(count + 1)
  }

  override handleInfo(_message: Term, count: number) {
    return noreply(count)
  }
}

/** The same as the module `Example.Worker`, which takes a list of options. */
export const ELIXIR_WORKER = `
  defmodule Example.Worker do
    use GenServer
    def start_link(options \\\\ []), do: GenServer.start_link(__MODULE__, 0, Keyword.take(options, [:name]))
    def init(0), do: {:ok, 0}
    def handle_call(:state, from, count), do: {:reply, [from, count], count}
    def handle_cast(:inc, count), do: {:noreply, count + 1}
    def handle_cast(:raise, _count), do: raise("asked to crash")
    def handle_cast(:shutdown, count), do: {:stop, :normal, count}
    def handle_info(_message, count), do: {:noreply, count}
  end
  :ok
`

/**
 * A GenServer that Elixir calls as one of its own, and the program that `npm start` runs:
 *
 *   GenServer.call({:via, Beamjoin.Registry, {DS, MGS}}, :get)        #=> 0
 *   GenServer.call({:via, Beamjoin.Registry, {DS, MGS}}, {:add, 5})   #=> 5
 *   GenServer.cast({:via, Beamjoin.Registry, {DS, MGS}}, :crash)      # restarted, and 0 again
 */
import {
  alias,
  atom,
  GenServer,
  noreply,
  type Program,
  reply,
  stop,
  type Term,
  Tuple,
  tuple,
} from '../src/index.ts'

export class Counter extends GenServer<number> {
  /** `handoff` is there when the counter goes on from where it was on another node. */
  override init({ start = 0, handoff = start }: { start?: number; handoff?: number } = {}) {
    return handoff
  }

  override handleCall(request: Term, _from: unknown, count: number) {
    if (request === atom('get')) return reply(count, count)
    if (request instanceof Tuple && request[0] === atom('add') && typeof request[1] === 'number') {
      return reply(count + request[1], count + request[1])
    }
    return reply(tuple(atom('error'), atom('unknown_request')), count)
  }

  override handleCast(request: Term, count: number) {
    if (request === atom('inc')) return noreply(count + 1)
    if (request === atom('crash')) throw new Error('asked to crash')
    if (request === atom('stop')) return stop(atom('normal'), count)
    return noreply(count)
  }

  override handoff(count: number) {
    return count
  }
}

export default {
  modules: { Counter },
  children: [[Counter, { name: alias('MGS') }]],
  expose: { 'Elixir.TsMath': { add: (a, b) => Number(a) + Number(b) } },
} satisfies Program

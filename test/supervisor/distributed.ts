/** Fixtures for the tests of distributed supervisors: a server to supervise, and supervisors on nodes in memory. */
import { type Atom, atom, type Pid, type Term, Tuple, tuple } from '../../src/etf/index.ts'
import { GenServer, noreply, reply, stop } from '../../src/runtime/index.ts'
import type { SupervisorHost } from '../../src/supervisor/host.ts'
import { DistributedSupervisor, type DistributedSupervisorOptions } from '../../src/supervisor/index.ts'

/** Every start of a counter: which node, and with which options. */
export interface Start {
  readonly pid: Pid
  readonly options: Readonly<Record<string, unknown>>
}

/** Counters that write their starts down. Each test makes its own class, so that tests share nothing. */
export function counterClass(starts: Start[] = []) {
  return class Counter extends GenServer<number> {
    override init(options: unknown): number {
      const given = (options ?? {}) as Record<string, unknown>
      starts.push({ pid: this.pid, options: given })
      return typeof given['start'] === 'number' ? given['start'] : 0
    }

    override handleCall(request: Term, _from: unknown, state: number) {
      if (request === atom('node')) return reply(this.pid.node, state)
      return reply(state, state)
    }

    override handleCast(request: Term, state: number) {
      if (request === atom('stop')) return stop(atom('normal'), state)
      if (request === atom('crash')) return stop(atom('crashed'), state)
      return noreply(state + (request instanceof Tuple ? (request[1] as number) : 1))
    }

    override handleInfo(_message: Term, state: number) {
      return noreply(state + 100)
    }
  }
}

export const add = (n: number): Tuple => tuple(atom('add'), n) as unknown as Tuple

export function supervise(
  node: SupervisorHost,
  options: Partial<DistributedSupervisorOptions> = {},
): Promise<DistributedSupervisor> {
  return DistributedSupervisor.startLink(node, { name: 'DS', monitorNodes: true, ...options })
}

/** A name that the ring of these nodes gives to `owner`. */
export function nameOn(ds: DistributedSupervisor, owner: Atom, prefix = 'child'): string {
  for (let i = 0; ; i++) if (ds.nodeFor(`${prefix} ${i}`) === owner) return `${prefix} ${i}`
}

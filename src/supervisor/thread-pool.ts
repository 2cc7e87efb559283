/**
 * Several threads behind one process: a pool is a server whose calls are answered by its members, each in a thread of
 * its own. The caller notices nothing: a member that ends while it works is, to the caller, the end of the server.
 */
import { OptionError } from '../core/index.ts'
import { atom, brief, type Encodable, Pid, type Term, Tuple, tuple } from '../etf/index.ts'
import {
  CallError,
  describeExit,
  type From,
  GenServer,
  InitError,
  noreply,
  type ServerClass,
  stop,
  type ThreadOptions,
  thread,
} from '../runtime/index.ts'
import { RestartIntensity, restartLimits } from './intensity.ts'
import { PoolQueue, type Routing } from './pool-queue.ts'

export interface ThreadPoolOptions extends ThreadOptions {
  /** How many threads. Default 2. */
  readonly size?: number
  /** `leastBusy` (default): who has the fewest calls to answer. `roundRobin`: one after the other. */
  readonly routing?: Routing
  /** Calls that one member may have at a time; more wait in the pool. Default 1. */
  readonly concurrency?: number
  /** Calls that may wait; the next one fails with the exit reason `overloaded`. Default 1000. */
  readonly queueLimit?: number
  /** Restarts of members within `maxSeconds` that are still fine; with one more the pool ends. Default 3. */
  readonly maxRestarts?: number
  /** Default 5. */
  readonly maxSeconds?: number
  /** Milliseconds that a member may take to end in order before it is killed. Default 5000. */
  readonly shutdown?: number
}

interface PoolCall {
  readonly request: Term
  readonly from: From
}

type Queue = PoolQueue<Pid, PoolCall>

const EXIT = atom('EXIT')
const KILL = atom('kill')
const OVERLOADED = atom('overloaded')
const RESTART = atom('$pool_restart')
const SHUTDOWN = atom('shutdown')
const UNTIL_DONE = { timeout: 'infinity' } as const

/**
 * A pool of threads: goes wherever a server class goes, and each member is started with the argument that the pool is
 * started with. Calls are spread over the members; casts and other messages go to one of them as well. A member that
 * ends is started again.
 *
 * @throws OptionError for an option that makes no sense.
 * @example
 * const Renderers = threadPool(new URL('../../examples/renderer.ts', import.meta.url), { size: 2, queueLimit: 100 })
 * await node.startLink(Renderers, { title: 'Hello' }, { name: 'renderers' })
 * await node.call('renderers', tuple(atom('render'), 'world')) // '<h1>Hello, world</h1>'
 * // iex> GenServer.call({:renderers, :"ts@127.0.0.1"}, {:render, "world"})
 */
export function threadPool(module: URL | string, options: ThreadPoolOptions = {}): ServerClass {
  const member = thread(module, options)
  const { size = 2, routing = 'leastBusy', concurrency = 1, queueLimit = 1000 } = options
  const { shutdown = 5000 } = options
  const limits = restartLimits(options)
  for (const [name, value] of Object.entries({ size, concurrency })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new OptionError(`${name} of a pool must be a whole number from 1, got ${value}`)
    }
  }
  if (!(queueLimit >= 0))
    throw new OptionError(`queueLimit of a pool must be a number from 0, got ${queueLimit}`)
  if (!(shutdown >= 0)) {
    throw new OptionError(`shutdown of a pool must be milliseconds from 0, got ${shutdown}`)
  }
  if (routing !== 'leastBusy' && routing !== 'roundRobin') {
    throw new OptionError(`routing of a pool must be leastBusy or roundRobin, got ${String(routing)}`)
  }

  class Pool extends GenServer<Queue> {
    readonly #intensity = new RestartIntensity(limits)
    /** Members that start in place of others. */
    readonly #starting = new Set<Promise<void>>()
    #isEnding = false
    #args: unknown

    override async init(args: unknown) {
      this.self.trapExit = true
      this.#args = args
      const queue: Queue = new PoolQueue({ routing, concurrency, queueLimit })
      const starts = Array.from({ length: size }, () => this.self.startLink(member, args))
      const started = await Promise.allSettled(starts)
      const pids = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
      const failure = started.find((result) => result.status === 'rejected')
      if (failure !== undefined) {
        await Promise.all(pids.map((pid) => this.#end(pid)))
        const { reason } = failure
        if (reason instanceof InitError) return stop(reason.reason as Encodable)
        throw reason
      }
      for (const pid of pids) queue.addMember(pid, pid.key)
      return queue
    }

    override handleCall(request: Term, from: From, queue: Queue) {
      const call = { request, from }
      // Whoever has given up needs no place.
      if (
        !queue.push(call) &&
        !(queue.drop(({ from: other }) => !this.self.isAwaited(other)) && queue.push(call))
      ) {
        this.self.logger.warn({ pool: this.constructor.name, waiting: queueLimit }, 'a pool refuses a call')
        if (!this.self.failCall(from, OVERLOADED)) this.reply(from, tuple(atom('error'), OVERLOADED))
      }
      this.#route(queue)
      return noreply(queue)
    }

    override handleCast(request: Term, queue: Queue) {
      const member = queue.anyMember()
      if (member !== undefined) this.self.cast(member, request as Encodable)
      return noreply(queue)
    }

    override handleInfo(message: Term, queue: Queue) {
      if (
        message instanceof Tuple &&
        message.length === 3 &&
        message[0] === EXIT &&
        message[1] instanceof Pid
      ) {
        const pid = message[1]
        if (!queue.removeMember(pid.key)) return noreply(queue)
        const reason = describeExit(message[2] as Term)
        this.self.logger.error({ pool: name, member: String(pid), reason }, 'a thread of a pool ended')
        return this.#restart(queue)
      }
      if (message === RESTART) return this.#restart(queue)
      const member = queue.anyMember()
      if (member !== undefined) this.self.send(member, message as Encodable)
      return noreply(queue)
    }

    override async terminate(_reason: Term, queue: Queue): Promise<void> {
      this.#isEnding = true
      await Promise.all(this.#starting)
      await Promise.all(queue.members().map((pid) => this.#end(pid)))
    }

    override formatStatus(queue: Queue): Encodable {
      return {
        members: queue.members().map((pid) => tuple(pid, queue.load(pid.key))),
        waiting: queue.waiting,
      } as unknown as Encodable
    }

    #route(queue: Queue): void {
      for (let next = queue.next(); next !== undefined; next = queue.next()) {
        const { member, call } = next
        // The caller has given up: nobody needs the answer.
        if (this.self.isAwaited(call.from)) void this.#ask(queue, member, call)
        else queue.done(member.key)
      }
    }

    async #ask(queue: Queue, pid: Pid, { request, from }: PoolCall): Promise<void> {
      try {
        const value = await this.self.call(pid, request as Encodable, UNTIL_DONE)
        this.reply(from, value as Encodable)
      } catch (error) {
        if (error instanceof CallError && error.code === 'noproc') {
          // It ended before it got the call, and the message that says so is under way.
          queue.retire(pid.key)
          queue.putBack({ request, from })
        } else if (error instanceof CallError) {
          this.self.failCall(from, error.reason)
        } else if (this.self.isAlive) {
          this.self.logger.error(
            { pool: name, request: brief(request), error },
            'a pool could not pass a call on',
          )
        }
      }
      queue.done(pid.key)
      if (this.self.isAlive) this.#route(queue)
    }

    /** Calls go on to the other members meanwhile. */
    #restart(queue: Queue) {
      if (!this.#intensity.add(this.self.clock.now())) {
        this.self.logger.error({ pool: name, ...limits }, 'a pool gives up: too many restarts')
        return stop(SHUTDOWN, queue)
      }
      const starting = this.#startMember(queue).finally(() => this.#starting.delete(starting))
      this.#starting.add(starting)
      return noreply(queue)
    }

    async #startMember(queue: Queue): Promise<void> {
      const started = await this.self.tryStartLink(member, this.#args)
      if (!this.self.isAlive) return
      if (started.status !== 'ok') {
        this.self.send(this.pid, RESTART)
      } else if (this.#isEnding) {
        await this.#end(started.pid)
      } else {
        queue.addMember(started.pid, started.pid.key)
        this.#route(queue)
      }
    }

    async #end(pid: Pid): Promise<void> {
      const down = this.self.whenDown(pid)
      this.self.unlink(pid)
      this.self.exit(pid, SHUTDOWN)
      const timer = this.self.clock.after(shutdown, () => this.self.exit(pid, KILL))
      await down
      timer.cancel()
    }
  }
  const { name } = member
  Object.defineProperty(Pool, 'name', { value: name })
  return Pool
}

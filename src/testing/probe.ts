/** A process that keeps what it receives, and what waits for messages to it. */
import { AssertionError } from 'node:assert'
import { type BeamNode, inspect, type Pid, type Process, type Reference, type Term } from '../index.ts'
import { any, matches } from './patterns.ts'

export interface ReceiveWithin {
  /** Milliseconds, on the clock of the cluster; default 1000 to assert, 100 to refute. */
  readonly within?: number
}

/** Lets time pass until `isSo`, or for `ms`; says whether it came true. */
export type WaitUntil = (isSo: () => boolean, ms: number) => Promise<boolean>

const ASSERT_MS = 1000
const REFUTE_MS = 100
const STEP_MS = 5

/**
 * A process of a node that keeps every message, for a test to look at. `self` is the process: it can monitor, link, trap
 * exits, call and join groups. `TestCluster.probe` makes one whose waiting turns the cluster's clock.
 *
 * @example
 * const probe = new Probe(node)
 * node.send(probe.pid, tuple(atom('hello'), 'world'))
 * inspect(await assertReceive(probe, tuple(atom('hello'), any))) // '{:hello, "world"}'
 * await refuteReceive(probe, any)
 */
export class Probe {
  readonly pid: Pid
  /** Messages that no assertion has taken yet, oldest first. */
  readonly messages: Term[] = []
  readonly waitUntil: WaitUntil
  readonly #node: BeamNode
  #self: Process | undefined

  constructor(node: BeamNode, waitUntil: WaitUntil = realTime) {
    this.#node = node
    this.waitUntil = waitUntil
    this.pid = node.spawn(async (self) => {
      this.#self = self
      for (;;) this.messages.push(await self.receive())
    })
  }

  /** The process. @throws Error before its first turn: await something first. */
  get self(): Process {
    if (this.#self === undefined) throw new Error('the probe has not had its first turn yet')
    return this.#self
  }

  /** Watches a process: brings `{'DOWN', Ref, process, Pid, Reason}`. */
  monitor(pid: Pid): Reference {
    return this.self.monitor(pid)
  }

  /** Takes all messages. */
  flush(): Term[] {
    return this.messages.splice(0)
  }

  /** Ends the process. */
  stop(): void {
    this.#node.exit(this.pid, 'stop')
  }
}

/**
 * Waits for a message that fits the pattern, takes it from the probe and resolves with it. Others stay.
 *
 * @throws AssertionError with what came instead.
 * @example
 * const probe = new Probe(node)
 * const stopped = node.spawn((self) => self.exit(atom('done')))
 * await assertReceive(probe, any, { within: 10 }).catch((error: Error) => error.message.includes('no message')) // true
 */
export async function assertReceive(
  probe: Probe,
  pattern: unknown = any,
  { within = ASSERT_MS }: ReceiveWithin = {},
): Promise<Term> {
  const find = (): number => probe.messages.findIndex((message) => matches(pattern, message))
  await probe.waitUntil(() => find() !== -1, within)
  const index = find()
  if (index !== -1) return probe.messages.splice(index, 1)[0] as Term
  throw new AssertionError({
    message: `no message that fits came within ${within} ms${mailbox(probe)}`,
    actual: probe.messages,
    expected: pattern,
    operator: 'assertReceive',
    stackStartFn: assertReceive,
  })
}

/**
 * Waits, and makes sure that no message that fits the pattern comes.
 *
 * @throws AssertionError with the message.
 * @example
 * const probe = new Probe(node)
 * await refuteReceive(probe, any, { within: 10 })
 */
export async function refuteReceive(
  probe: Probe,
  pattern: unknown = any,
  { within = REFUTE_MS }: ReceiveWithin = {},
): Promise<void> {
  const find = (): Term | undefined => probe.messages.find((message) => matches(pattern, message))
  await probe.waitUntil(() => find() !== undefined, within)
  const found = find()
  if (found === undefined) return
  throw new AssertionError({
    message: `a message came that should not: ${inspect(found)}`,
    actual: found,
    operator: 'refuteReceive',
    stackStartFn: refuteReceive,
  })
}

function mailbox({ messages }: Probe): string {
  if (messages.length === 0) return '; the mailbox is empty'
  return `; in the mailbox: ${messages.map((message) => inspect(message)).join(', ')}`
}

async function realTime(isSo: () => boolean, ms: number): Promise<boolean> {
  const until = performance.now() + ms
  while (!isSo() && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, STEP_MS))
  return isSo()
}

/** Prints what happens on a node, one line an event, for the person who watches `beamjoin start`. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { type BeamNode, inspect, type Pid, type SupervisorListener, type Term } from '../index.ts'

/** What the channel `beamjoin:server:call` publishes. */
interface ServedCall {
  readonly pid: Pid
  readonly label: string
  readonly request: Term
}

const SERVER_CALL = 'beamjoin:server:call'
const LONGEST_TERM = 200

export class EventLines implements SupervisorListener {
  readonly #print: (line: string) => void
  /** Names of this node's children by pid: whose calls are worth a line. */
  readonly #children = new Map<string, Term>()
  readonly #onCall = (message: unknown): void => {
    const { pid, label, request } = message as ServedCall
    const name = this.#children.get(pid.key)
    if (name !== undefined) this.#print(`call served    ${short(name)} (${label}): ${short(request)}`)
  }

  constructor(node: BeamNode, print: (line: string) => void) {
    this.#print = (line) => print(`${new Date().toTimeString().slice(0, 8)}  ${line}\n`)
    node.on('nodeup', (name, { type }) => this.#print(`node up        ${name} (${type})`))
    node.on('nodedown', (name, { reason }) => this.#print(`node down      ${name} (${reason})`))
    subscribe(SERVER_CALL, this.#onCall)
  }

  onProcessStart(_supervisor: unknown, name: Term, pid: Pid): void {
    this.#children.set(pid.key, name)
    this.#print(`child started  ${short(name)} as ${pid}`)
  }

  onProcessStop(_supervisor: unknown, name: Term, pid: Pid): void {
    this.#children.delete(pid.key)
    this.#print(`child stopped  ${short(name)}, was ${pid}`)
  }

  close(): void {
    unsubscribe(SERVER_CALL, this.#onCall)
  }
}

function short(term: Term): string {
  const text = inspect(term)
  return text.length > LONGEST_TERM ? `${text.slice(0, LONGEST_TERM)}…` : text
}

/**
 * `appmon_info` of runtime_tools: tells the application page of `:observer` which applications run and how their processes
 * hang together, at once and whenever it changes. One server for each page, linked to it.
 *
 *   cast {Client, Command, About, OnOff, Opts}    begins or ends a subscription
 *   {delivery, Self, Command, About, Result}      to the client
 */
import { atom, type Encodable, encode, inspect, Pid, type Term, Tuple, tuple } from '../../etf/index.ts'
import { GenServer, type InfoResult, noreply, type Runtime, reply, stop } from '../../runtime/index.ts'
import type { ExposedFunctions } from '../rpc/exposed.ts'
import { APPLICATION, applicationEntry } from './application.ts'
import type { DescribedNode } from './described-node.ts'
import { allProcessInfo } from './process-info.ts'
import { processTree } from './process-tree.ts'
import { badarg, charlist, itemName } from './terms.ts'

interface Subscription {
  readonly client: Pid
  readonly command: string
  readonly about: Term
  /** Bytes of the last result; undefined before the first. */
  last: string | undefined
}

interface State {
  readonly runtime: Runtime
  readonly client: Pid
  readonly subscriptions: Map<string, Subscription>
}

const DELIVERY = atom('delivery')
const EXIT = atom('EXIT')
const LOOK = atom('look')
const NORMAL = atom('normal')
const OK = atom('ok')
const EMPTY_TREE = tuple([], [], [], [])
const INTERVAL_MS = 2000
/** A page has a handful: what it shows is made anew for each of them every time. */
const MOST_SUBSCRIPTIONS = 100

export function appmonFunctions({ runtime }: DescribedNode): ExposedFunctions {
  return {
    'start_link2/3': async (_starter, client) => {
      if (!(client instanceof Pid)) return badarg()
      return tuple(OK, await runtime.start(Appmon, { runtime, client, subscriptions: new Map() }))
    },
  }
}

class Appmon extends GenServer<State> {
  override init(state: State): State {
    this.self.trapExit = true
    this.self.link(state.client)
    this.self.sendAfter(this.pid, LOOK, INTERVAL_MS)
    return state
  }

  /** `register_client`, the one call there is, has nothing to add: this server has one client. */
  override handleCall(_request: Term, _from: unknown, state: State) {
    return reply(OK, state)
  }

  override handleCast(request: Term, state: State) {
    if (request instanceof Tuple && request.length === 5 && request[0] instanceof Pid) {
      const client = request[0]
      const [, command, about, isOn] = request as unknown as Term[] as [Term, Term, Term, Term]
      const key = `${client.key} ${inspect(command)} ${inspect(about)}`
      if (isOn === true) {
        if (!state.subscriptions.has(key) && state.subscriptions.size >= MOST_SUBSCRIPTIONS)
          return noreply(state)
        const subscription = { client, command: itemName(command) ?? '', about, last: undefined }
        state.subscriptions.set(key, subscription)
        this.#deliver(subscription, state)
      } else {
        state.subscriptions.delete(key)
      }
    }
    return noreply(state)
  }

  override handleInfo(message: Term, state: State): InfoResult<State> {
    // The page goes, or is closed with `exit(Pid, normal)`.
    if (message instanceof Tuple && message[0] === EXIT) return stop(NORMAL, state)
    if (message === LOOK) {
      for (const subscription of state.subscriptions.values()) this.#deliver(subscription, state)
      this.self.sendAfter(this.pid, LOOK, INTERVAL_MS)
    }
    return noreply(state)
  }

  #deliver(subscription: Subscription, { runtime }: State): void {
    const { client, command, about } = subscription
    const result = resultOf(runtime, command, about)
    if (result === undefined) return
    const bytes = Buffer.from(encode(result)).toString('latin1')
    if (bytes === subscription.last) return
    subscription.last = bytes
    this.self.send(client, tuple(DELIVERY, this.pid, atom(command), about, result))
  }
}

function resultOf(runtime: Runtime, command: string, about: Term): Encodable {
  switch (command) {
    case 'app_ctrl':
      return [tuple(runtime.client.pid, APPLICATION, applicationEntry())]
    case 'app':
      return about === APPLICATION ? processTree(runtime) : EMPTY_TREE
    case 'load':
      return tuple(0, 0)
    case 'pinfo': {
      const info = about instanceof Pid ? allProcessInfo(runtime, about) : atom('undefined')
      return charlist(inspect(info as Term))
    }
    default:
      return undefined
  }
}

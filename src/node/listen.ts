import { describeError } from '../core/index.ts'
import { type Listener, NetError, type Network, type Transport } from '../net/index.ts'
import { NodeError } from './errors.ts'

/** Listens on the first free port of the range; `[0, 0]` is any port. */
export async function listenInRange(
  network: Network,
  host: string,
  [min, max]: readonly [number, number],
  accept: (transport: Transport) => void,
): Promise<Listener> {
  for (let port = min; ; port++) {
    try {
      return await network.listen({ host, port }, accept)
    } catch (error) {
      const taken = error instanceof NetError && error.code === 'ERR_NET_ADDRESS_IN_USE'
      if (taken && port < max) continue
      const range = min === max ? `${min}` : `${min} to ${max}`
      throw new NodeError(
        'ERR_NODE_LISTEN',
        `cannot listen on ${host} port ${range}: ${describeError(error)}`,
        {
          cause: error,
        },
      )
    }
  }
}

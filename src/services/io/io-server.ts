/**
 * The registered process `user`: the group leader of the processes of this node, and of whatever other nodes run with it
 * as theirs (protocol.md 9.6). Output is written in the order in which it comes, and while somebody waits for input; who
 * wants input waits for those that wanted it before.
 */
import { atom, type Encodable, Pid, type Term, Tuple, tuple } from '../../etf/index.ts'
import { GenServer, type InfoResult, noreply } from '../../runtime/index.ts'
import type { IoDevice } from './io-device.ts'
import { answerIo, wantsInput } from './io-requests.ts'

const ERROR = atom('error')
const IO_REPLY = atom('io_reply')
const IO_REQUEST = atom('io_request')
const SYSTEM_LIMIT = atom('system_limit')
const TERMINATED = atom('terminated')

/** Who wants input when so many wait already is told that there is none for it. */
const MOST_READS = 1000

export class IoServer extends GenServer<IoDevice> {
  #reading: Promise<void> = Promise.resolve()
  #reads = 0

  override init(device: IoDevice) {
    return device
  }

  override handleInfo(message: Term, device: IoDevice): InfoResult<IoDevice> | Promise<InfoResult<IoDevice>> {
    if (!(message instanceof Tuple) || message.length !== 4 || message[0] !== IO_REQUEST)
      return noreply(device)
    const [, from, replyAs, request] = message as Tuple<[Term, Term, Term, Term]>
    if (!(from instanceof Pid)) return noreply(device)
    const reply = (answer: Encodable): void => this.self.send(from, tuple(IO_REPLY, replyAs, answer))
    if (!wantsInput(request)) {
      return this.#answer(device, request).then((answer) => {
        reply(answer)
        return noreply(device)
      })
    }
    if (this.#reads >= MOST_READS) {
      reply(tuple(ERROR, SYSTEM_LIMIT))
      return noreply(device)
    }
    this.#reads++
    this.#reading = this.#reading
      .then(() => this.#answer(device, request))
      .then(reply)
      .catch((error: unknown) => this.self.logger.error({ error }, 'what was read has no way to its reader'))
      .finally(() => {
        this.#reads--
      })
    return noreply(device)
  }

  async #answer(device: IoDevice, request: Term): Promise<Encodable> {
    try {
      return await answerIo(device, request)
    } catch (error) {
      this.self.logger.error({ error }, 'the device of the group leader failed')
      return tuple(ERROR, TERMINATED)
    }
  }
}

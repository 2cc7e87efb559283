/**
 * The registered process `user`: the group leader of the processes of this node, and of whatever other nodes run with it
 * as theirs (protocol.md 9.6). Requests are answered in the order in which they come.
 */
import { atom, type Encodable, Pid, type Term, Tuple, tuple } from '../../etf/index.ts'
import { GenServer, noreply } from '../../runtime/index.ts'
import type { IoDevice } from './io-device.ts'
import { answerIo } from './io-requests.ts'

const ERROR = atom('error')
const IO_REPLY = atom('io_reply')
const IO_REQUEST = atom('io_request')
const TERMINATED = atom('terminated')

export class IoServer extends GenServer<IoDevice> {
  override init(device: IoDevice) {
    return device
  }

  override async handleInfo(message: Term, device: IoDevice) {
    if (!(message instanceof Tuple) || message.length !== 4 || message[0] !== IO_REQUEST)
      return noreply(device)
    const [, from, replyAs, request] = message as Tuple<[Term, Term, Term, Term]>
    if (!(from instanceof Pid)) return noreply(device)
    let reply: Encodable
    try {
      reply = await answerIo(device, request)
    } catch (error) {
      this.self.logger.error({ error }, 'the device of the group leader failed')
      reply = tuple(ERROR, TERMINATED)
    }
    this.self.send(from, tuple(IO_REPLY, replyAs, reply))
    return noreply(device)
  }
}

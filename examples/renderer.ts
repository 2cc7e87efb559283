/** A server for a worker thread: rendering takes the processor, and the rest of the node goes on meanwhile. */
import { atom, type From, GenServer, reply, stop, type Term, Tuple, tuple } from '../src/index.ts'

export default class Renderer extends GenServer<string> {
  override init({ title = 'Hi' }: { title?: string } = {}) {
    return title
  }

  override handleCall(request: Term, _from: From, title: string) {
    if (request instanceof Tuple && request[0] === atom('render')) {
      return reply(`<h1>${title}, ${String(request[1])}</h1>`, title)
    }
    return stop(tuple(atom('bad_call'), request), title)
  }
}

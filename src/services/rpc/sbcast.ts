/** `rpc:sbcast`: the servers `rex` deliver a message to a registered name and say whether there is one (protocol.md 9.4). */
import { type Atom, atom, type Encodable, Tuple, tuple } from '../../etf/index.ts'
import type { CallOptions, Process, Runtime } from '../../runtime/index.ts'

const REX = atom('rex')
const SBCAST = atom('sbcast')

export async function sbcast(
  runtime: Runtime,
  nodes: readonly Atom[],
  name: Atom,
  message: Encodable,
  options: CallOptions,
): Promise<{ good: Atom[]; bad: Atom[] }> {
  options.signal?.throwIfAborted()
  const answers = await Promise.all(
    nodes.map(async (node) => {
      const isGood = await askOne(runtime, node, tuple(SBCAST, name, message), options)
      return { node, isGood }
    }),
  )
  const select = (wanted: boolean): Atom[] =>
    answers.filter(({ isGood }) => isGood === wanted).map(({ node }) => node)
  return { good: select(true), bad: select(false) }
}

/** The answer `{rex, Node, Reply}` carries no reference, so each question has a process of its own. */
function askOne(runtime: Runtime, node: Atom, question: Encodable, options: CallOptions): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const ask = async (self: Process): Promise<void> => {
      const rex = [REX, node] as const
      const gone = new AbortController()
      const giveUp = (): void => gone.abort()
      options.signal?.addEventListener('abort', giveUp, { once: true })
      self.whenDown(rex, { signal: gone.signal }).then(giveUp, giveUp)
      try {
        self.send(rex, tuple(self.pid, question))
      } catch (error) {
        reject(error)
        return
      }
      try {
        const { timeout = 'infinity' } = options
        const answer = await self.receive((message) => isAnswer(message, node), {
          timeout,
          signal: gone.signal,
        })
        resolve((answer as Tuple)[2] === node)
      } catch {
        if (options.signal?.aborted) reject(options.signal.reason)
        else resolve(false)
      } finally {
        options.signal?.removeEventListener('abort', giveUp)
        giveUp()
      }
    }
    runtime.spawn(ask)
  })
}

function isAnswer(message: unknown, node: Atom): boolean {
  return message instanceof Tuple && message.length === 3 && message[0] === REX && message[1] === node
}

/**
 * A program that uses nodes over TCP, stops them and has nothing more to do: it must end by itself. Run by
 * test/node/stop.test.ts; its argument is the port of the epmd that it embeds.
 */
import { silentLogger, startNode } from '../../src/index.ts'

const epmdPort = Number(process.argv[2])
const options = { cookie: 'secret', epmdPort, logger: silentLogger } as const
const a = await startNode({ ...options, name: 'a@127.0.0.1', connect: ['nobody@127.0.0.1'] })
const b = await startNode({ ...options, name: 'b@127.0.0.1', connect: ['a@127.0.0.1'] })
const pid = b.spawn((self) => self.receive(() => false))
a.monitor(pid)
a.link(pid)
a.call(pid, 'never answered', { timeout: 'infinity' }).catch(() => {})
if ((await a.ping(b.name)) !== 'pong') throw new Error('the nodes are not connected')
// Under way when the node stops: a dial, and a message that is too long to leave at once.
void a.connect('somebody@127.0.0.1').catch(() => {})
b.send(a.self, new Uint8Array(8 * 1024 * 1024))
await Promise.all([a.stop(), b.stop()])
console.log('stopped')

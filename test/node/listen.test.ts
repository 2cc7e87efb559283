import { test } from 'tap'
import { MemoryNetwork } from '../../src/net/index.ts'
import { listenInRange } from '../../src/node/listen.ts'
import { failure } from '../support/two-nodes.ts'

const ignore = (): void => {}

test('the first free port of the range is taken', async (t) => {
  const network = new MemoryNetwork().host('a')
  for (const expected of [9100, 9101, 9102]) {
    t.equal((await listenInRange(network, '0.0.0.0', [9100, 9102], ignore)).port, expected)
  }
})

test('a range without a free port is an error that names it', async (t) => {
  const network = new MemoryNetwork().host('a')
  await listenInRange(network, '0.0.0.0', [9100, 9100], ignore)
  t.match(await failure(listenInRange(network, '0.0.0.0', [9100, 9100], ignore)), {
    code: 'ERR_NODE_LISTEN',
    message: /cannot listen on 0\.0\.0\.0 port 9100: .*in use/,
    cause: { code: 'ERR_NET_ADDRESS_IN_USE' },
  })
  await listenInRange(network, '0.0.0.0', [9101, 9101], ignore)
  t.match(await failure(listenInRange(network, '0.0.0.0', [9100, 9101], ignore)), {
    code: 'ERR_NODE_LISTEN',
    message: /port 9100 to 9101/,
  })
})

test('an address that is not ours is an error at once, whatever the range', async (t) => {
  const network = new MemoryNetwork().host('a')
  t.match(await failure(listenInRange(network, '10.1.2.3', [9100, 65_535], ignore)), {
    code: 'ERR_NODE_LISTEN',
    cause: { code: 'ERR_NET_ADDRESS_UNAVAILABLE' },
  })
})

test('0 is any port', async (t) => {
  const network = new MemoryNetwork().host('a')
  const one = await listenInRange(network, '0.0.0.0', [0, 0], ignore)
  const other = await listenInRange(network, '0.0.0.0', [0, 0], ignore)
  t.not(one.port, other.port)
})

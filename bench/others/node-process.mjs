// A process that serves or measures with one of the other ways in which Node processes call each other. Takes jobs over
// the IPC channel, as contest/node-process.ts does. Plain JavaScript: the packages need not be there to check the types.

import assert from 'node:assert/strict'

const PATH = '/bench.Echo/Call'

/** What stays connected until the process ends. */
let caller

const SERVERS = {
  async moleculer() {
    const broker = await moleculerBroker('server', { port: 0 })
    broker.createService({ name: 'echo', actions: { call: ({ params }) => params } })
    await broker.start()
    return broker.transit.tx.reader.server.address().port
  },

  async grpc() {
    const { Server, ServerCredentials } = await import('@grpc/grpc-js')
    const server = new Server()
    server.addService({ Call: definition() }, { Call: ({ request }, callback) => callback(null, request) })
    return new Promise((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
        error === null ? resolve(port) : reject(error),
      )
    })
  },
}

const CLIENTS = {
  async moleculer(port) {
    const broker = await moleculerBroker('client', { port: 0, urls: [`tcp://127.0.0.1:${port}/server`] })
    await broker.start()
    await broker.waitForServices('echo', 30_000)
    // Its packets are JSON by default: bytes travel as text.
    const text = (size) => ({ text: 'a'.repeat(size) })
    return { payload: text, call: (payload) => broker.call('echo.call', payload, { timeout: 0 }) }
  },

  async grpc(port) {
    const { Client, credentials } = await import('@grpc/grpc-js')
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
    const same = (bytes) => bytes
    return {
      payload: (size) => Buffer.alloc(size, 255),
      call: (payload) =>
        new Promise((resolve, reject) => {
          client.makeUnaryRequest(PATH, same, same, payload, (error, answer) =>
            error === null ? resolve(answer) : reject(error),
          )
        }),
    }
  },
}

function definition() {
  const same = (bytes) => bytes
  return {
    path: PATH,
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  }
}

async function moleculerBroker(nodeID, options) {
  const { ServiceBroker } = (await import('moleculer')).default
  const transporter = { type: 'TCP', options: { udpDiscovery: false, useHostname: false, ...options } }
  return new ServiceBroker({ nodeID, logger: false, transporter, heartbeatInterval: 5 })
}

const JOBS = {
  serve: (kind) => SERVERS[kind](),

  async connect(kind, port) {
    caller = await CLIENTS[kind](port)
    return 0
  },

  async calls(callers, each, size) {
    const payload = caller.payload(size)
    assert.deepEqual(await caller.call(payload), payload)
    const times = new Float64Array(callers * each)
    let at = 0
    const run = async () => {
      for (let i = 0; i < each; i++) {
        const begun = performance.now()
        await caller.call(payload)
        times[at++] = performance.now() - begun
      }
    }
    const begun = performance.now()
    await Promise.all(Array.from({ length: callers }, run))
    const perSecond = (callers * each * 1000) / (performance.now() - begun)
    times.sort()
    return [
      perSecond,
      ...[0.5, 0.99, 0.999].map((part) => times[Math.round((times.length - 1) * part)] * 1000),
    ]
  },
}

process.on('message', async ({ id, job, args }) => {
  try {
    process.send({ id, result: await JOBS[job](...args) })
  } catch (error) {
    process.send({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
})
process.on('disconnect', () => process.exit(0))

/**
 * What threads cost, in two questions.
 *
 *     node --import=tsx bench/threads.ts
 *
 * How do messages cross best: as encoded terms or by structured cloning, which needs terms turned into objects and back?
 * And what would it cost to serve sockets in a thread of their own, which ticks while the event loop stands still: every
 * chunk then crosses between threads, in and out.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket, connect as startConnect } from 'node:net'
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { openWorker } from '../src/core/worker.ts'
import { Atom, atom, decode, type Encodable, encode, Pid, type Term, Tuple, tuple } from '../src/etf/index.ts'
import { quantile } from './stats.ts'

type Way = 'terms' | 'clone' | 'sockets'

if (isMainThread) await main()
else serve((workerData as { readonly way: Way }).way)

function serve(way: Way): void {
  const port = parentPort
  if (port === null) return
  if (way === 'sockets') {
    // Owns the sockets; the main thread sees chunks only.
    const server = createServer((socket: Socket) => {
      socket.setNoDelay(true)
      socket.on('data', (chunk) => {
        const copy = new Uint8Array(chunk)
        port.postMessage(copy, [copy.buffer])
      })
      port.on('message', (chunk: Uint8Array) => socket.write(chunk))
    })
    server.listen(0, '127.0.0.1', () => port.postMessage((server.address() as AddressInfo).port))
    return
  }
  port.on('message', (sent: Uint8Array) => {
    if (way === 'terms') send(port, decode(sent))
    else port.postMessage(toPlain(fromPlain(sent)))
  })
  port.postMessage('up')
}

function send(to: { postMessage(value: unknown, transfer: ArrayBuffer[]): void }, term: Term): void {
  const bytes = encode(term as Encodable)
  to.postMessage(bytes, [bytes.buffer as ArrayBuffer])
}

async function main(): Promise<void> {
  const pid = new Pid(atom('ts@127.0.0.1'), 5, 0, 1)
  const row = (i: number): Map<Term, Term> =>
    new Map<Term, Term>([
      [atom('id'), i],
      [atom('name'), `row ${i}`],
      [atom('ok'), true],
      [atom('x'), 1.5],
    ])
  const terms: readonly (readonly [name: string, term: Term, rounds: number])[] = [
    ['a small call', tuple(atom('$gen_call'), tuple(pid, 7), tuple(atom('add'), 5)) as Term, 5000],
    ['a list of 200 maps', Array.from({ length: 200 }, (_, i) => row(i)), 300],
    ['a string of 100 KB', 'x'.repeat(100_000), 1000],
  ]
  for (const way of ['terms', 'clone'] as const) {
    const worker = openWorker('./threads', import.meta.url, { workerData: { way } })
    await once(worker, 'message')
    for (const [name, term, rounds] of terms) {
      const times = await measure(rounds, async () => {
        if (way === 'terms') send(worker, term)
        else worker.postMessage(toPlain(term))
        const [back] = await once(worker, 'message')
        return way === 'terms' ? decode(back as Uint8Array) : fromPlain(back)
      })
      print(`${name}, ${way}`, times)
    }
    await worker.terminate()
  }
  await sockets()
}

/** A frame of 64 bytes there and back, to a socket of this thread and to one of another. */
async function sockets(): Promise<void> {
  const frame = new Uint8Array(64)
  const server = createServer((socket) => socket.setNoDelay(true).on('data', (chunk) => socket.write(chunk)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const echo = async (port: number): Promise<{ socket: Socket; times: number[] }> => {
    const socket = startConnect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    const times = await measure(5000, async () => {
      socket.write(frame)
      await once(socket, 'data')
    })
    return { socket, times }
  }
  const direct = await echo((server.address() as AddressInfo).port)
  print('64 bytes over TCP, sockets of this thread', direct.times)
  direct.socket.destroy()
  server.close()
  const worker = openWorker('./threads', import.meta.url, { workerData: { way: 'sockets' } })
  const [port] = (await once(worker, 'message')) as [number]
  worker.on('message', (chunk: Uint8Array) => worker.postMessage(chunk, [chunk.buffer as ArrayBuffer]))
  const forwarded = await echo(port)
  print('64 bytes over TCP, forwarded by a thread', forwarded.times)
  forwarded.socket.destroy()
  await worker.terminate()
}

async function measure(rounds: number, once: () => Promise<unknown>): Promise<number[]> {
  for (let i = 0; i < rounds / 5; i++) await once()
  const times: number[] = []
  for (let i = 0; i < rounds; i++) {
    const before = performance.now()
    await once()
    times.push((performance.now() - before) * 1000)
  }
  return times
}

function print(what: string, times: number[]): void {
  const at = (part: number): string => quantile(times, part).toFixed(1)
  console.log(`${what.padEnd(48)} median ${at(0.5).padStart(8)} us, 95 % ${at(0.95).padStart(8)} us`)
}

/** What structured cloning takes and gives back: no classes. */
function toPlain(term: Term): unknown {
  if (typeof term !== 'object' || term === null) return term
  if (term instanceof Atom) return { a: term.name }
  if (term instanceof Tuple) return { t: [...term].map((item) => toPlain(item as Term)) }
  if (Array.isArray(term)) return term.map((item) => toPlain(item as Term))
  if (term instanceof Map) return { m: [...term].map(([key, value]) => [toPlain(key), toPlain(value)]) }
  if (term instanceof Pid) return { p: [term.node.name, term.id, term.serial, term.creation] }
  return term
}

interface Plain {
  readonly a?: string
  readonly t?: readonly unknown[]
  readonly m?: readonly (readonly [unknown, unknown])[]
  readonly p?: readonly [string, number, number, number]
}

function fromPlain(value: unknown): Term {
  if (typeof value !== 'object' || value === null) return value as Term
  if (Array.isArray(value)) return value.map(fromPlain)
  const { a, t, m, p } = value as Plain
  if (a !== undefined) return atom(a)
  if (t !== undefined) return tuple(...(t.map(fromPlain) as Encodable[])) as Term
  if (m !== undefined) return new Map(m.map(([key, item]) => [fromPlain(key), fromPlain(item)]))
  if (p !== undefined) return new Pid(atom(p[0]), p[1], p[2], p[3])
  return value as Term
}

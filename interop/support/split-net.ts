/**
 * A network between nodes of this machine that can be cut between any two of them, without any rights: each node has an
 * epmd of its own, in which the others stand with the port of a relay. A relay whose link is cut moves no byte and closes
 * nothing, as a network that drops packets; when the link is healed what waited goes on, as sent again by TCP. Or it is
 * cut as by a firewall that refuses: every connection is reset, and so are new ones.
 */
import { createServer, connect as dial, type Server, type Socket } from 'node:net'
import { EpmdClient, EpmdServer } from '../../src/index.ts'
import type { Teardown } from './cluster.ts'

const HOST = '127.0.0.1'

/** `silent`: nobody is told. `reset`: both ends are, at once. */
export type Cut = 'silent' | 'reset'

/** Connections from one node to another. */
class Relay {
  readonly #server: Server
  readonly #targetPort: () => Promise<number>
  readonly #sockets = new Set<Socket>()
  /** Those whose bytes go somewhere. */
  readonly #joined = new Set<Socket>()
  /** Dialed while the link was cut. */
  readonly #held: Socket[] = []
  #cut: Cut | undefined

  constructor(targetPort: () => Promise<number>) {
    this.#targetPort = targetPort
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (near) => {
      this.#keep(near)
      if (this.#cut === 'silent') this.#held.push(near)
      else if (this.#cut === 'reset') near.resetAndDestroy()
      else void this.#join(near)
    })
  }

  listen(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(0, HOST, () => {
        const address = this.#server.address()
        if (address !== null && typeof address === 'object') resolve(address.port)
      })
    })
  }

  cut(how: Cut): void {
    this.#cut = how
    if (how === 'silent') for (const socket of this.#joined) socket.pause()
    else for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  heal(): void {
    this.#cut = undefined
    for (const near of this.#held.splice(0)) void this.#join(near)
    for (const socket of this.#joined) socket.resume()
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  async #join(near: Socket): Promise<void> {
    let port: number
    try {
      port = await this.#targetPort()
    } catch {
      near.destroy()
      return
    }
    const far = dial({ host: HOST, port, allowHalfOpen: true })
    this.#keep(far)
    pass(near, far)
    pass(far, near)
    for (const socket of [near, far]) {
      this.#joined.add(socket)
      if (this.#cut === undefined) socket.resume()
      else socket.pause()
    }
    if (this.#cut === 'reset') near.resetAndDestroy()
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    socket.setNoDelay(true)
    // What is broken on one side is broken on the other: see `pass`.
    socket.on('error', () => {})
    socket.once('close', () => {
      this.#sockets.delete(socket)
      this.#joined.delete(socket)
    })
  }
}

function pass(from: Socket, to: Socket): void {
  from.on('data', (bytes) => void to.write(bytes))
  from.once('end', () => to.end())
  from.once('close', () => to.destroy())
}

export class SplitNet {
  readonly #epmds = new Map<string, EpmdServer>()
  readonly #relays = new Map<string, Relay>()

  /** @param names node names without a host; each gets an epmd, see `epmdPort` */
  static async start(t: Teardown, names: readonly string[]): Promise<SplitNet> {
    const net = new SplitNet()
    t.teardown(() => net.#close())
    for (const name of names) net.#epmds.set(name, await EpmdServer.listen({ host: HOST, port: 0 }))
    for (const from of names) for (const to of names) if (from !== to) await net.#connect(from, to)
    return net
  }

  /** The port of the epmd that this node is to use. */
  epmdPort(name: string): number {
    const epmd = this.#epmds.get(name)
    if (epmd === undefined) throw new Error(`there is no node ${name} in this network`)
    return epmd.port
  }

  cut(one: string, other: string, how: Cut = 'silent'): void {
    for (const relay of this.#between(one, other)) relay.cut(how)
  }

  heal(one: string, other: string): void {
    for (const relay of this.#between(one, other)) relay.heal()
  }

  async #connect(from: string, to: string): Promise<void> {
    const relay = new Relay(async () => {
      const entry = await new EpmdClient({ host: HOST, port: this.epmdPort(to) }).lookup(to)
      if (entry === undefined) throw new Error(`${to} does not run`)
      return entry.port
    })
    this.#relays.set(`${from} ${to}`, relay)
    const port = await relay.listen()
    await new EpmdClient({ host: HOST, port: this.epmdPort(from) }).register({ name: to, port })
  }

  #between(one: string, other: string): Relay[] {
    return [`${one} ${other}`, `${other} ${one}`].map((way) => {
      const relay = this.#relays.get(way)
      if (relay === undefined) throw new Error(`there is no link between ${one} and ${other}`)
      return relay
    })
  }

  async #close(): Promise<void> {
    for (const relay of this.#relays.values()) relay.close()
    await Promise.all([...this.#epmds.values()].map((epmd) => epmd.close()))
  }
}

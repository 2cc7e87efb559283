/** Who takes part: an Elixir client, a BEAM server, and the same in TypeScript, all on one epmd. */
import { readFileSync } from 'node:fs'
import { type Cleanup, freePort, type Peer, startEpmd, startPeer } from '../../interop/peer.ts'
import { TsNode } from './ts-node.ts'

const COOKIE = 'bench'
const EVAL = { timeout: 600_000 }

const sources = {
  server: readFileSync(new URL('./server.exs', import.meta.url), 'utf8'),
  client: readFileSync(new URL('./client.exs', import.meta.url), 'utf8'),
}

/** A server to measure, whichever kind it is. */
export interface Server {
  readonly kind: 'BEAM' | 'beamjoin'
  readonly name: string
  /** Of the operating system. */
  readonly pid: number
  /** Joins that many groups, and leaves them when the watcher has seen them. */
  join(count: number, watcher: string): Promise<unknown>
  endChildren(): Promise<unknown>
  /** Bytes in use, after a collection. */
  memory(): Promise<number>
}

/** Measures a server from outside; every result begins with the figure that counts. */
export interface Client {
  readonly name: string
  calls(server: string, callers: number, each: number, payload: string): Promise<number[]>
  casts(server: string, count: number): Promise<number[]>
  connect(server: string): Promise<number[]>
}

export interface ElixirClient extends Client {
  /** Resolves when it listens; what it returns resolves when it has seen all joins. */
  joins(count: number): Promise<() => Promise<number[]>>
  startChildren(server: string, count: number, callers: number): Promise<number[]>
  /** Casts until the returned function is called. */
  flood(server: string): Promise<() => Promise<void>>
}

export class Field {
  readonly #defer: (cleanup: Cleanup) => void
  readonly #epmdPort: number
  readonly #flags: readonly string[]
  readonly #tsNodes: TsNode[] = []
  #started = 0

  private constructor(defer: (cleanup: Cleanup) => void, epmdPort: number, flags: readonly string[]) {
    this.#defer = defer
    this.#epmdPort = epmdPort
    this.#flags = flags
  }

  static async open(defer: (cleanup: Cleanup) => void, flags: readonly string[] = []): Promise<Field> {
    const epmd = await startEpmd(await freePort())
    defer(() => epmd.kill())
    return new Field(defer, epmd.port, flags)
  }

  get cookie(): string {
    return COOKIE
  }

  get epmdPort(): number {
    return this.#epmdPort
  }

  async beamServer(name = `beam${this.#started++}`): Promise<Server & { readonly peer: Peer }> {
    const peer = await this.#peer(name, sources.server)
    await peer.eval('Bench.Serve.start()')
    return {
      kind: 'BEAM',
      peer,
      name: peer.name,
      pid: peer.pid!,
      join: (count, watcher) => peer.eval(`Bench.Serve.join(${count}, {:watcher, :"${watcher}"})`, EVAL),
      endChildren: () => peer.eval('Bench.Serve.end_children()', EVAL),
      memory: async () => Number(await peer.eval('Bench.Serve.memory()', EVAL)),
    }
  }

  /** @param heap whether it has headroom, as with `beamjoin start` */
  async tsServer(heap?: 'headroom'): Promise<Server & { readonly node: TsNode }> {
    const { node, name: full } = await this.#tsNode(`ts${this.#started++}`)
    if (heap === 'headroom') await node.run('keepHeadroom')
    return {
      kind: 'beamjoin',
      node,
      name: full,
      pid: node.pid,
      join: (count, watcher) => node.run('join', count, watcher),
      endChildren: () => node.run('endChildren'),
      memory: () => node.run('usedBytes'),
    }
  }

  async elixirClient(name = `client${this.#started++}`): Promise<ElixirClient> {
    const peer = await this.#peer(name, sources.client)
    await peer.eval('Bench.Client.scope()')
    const numbers = async (code: string, session = 'main'): Promise<number[]> =>
      (JSON.parse(await peer.eval(`Bench.Client.${code}`, { ...EVAL, session })) as string)
        .split(' ')
        .map(Number)
    return {
      name: peer.name,
      calls: (server, callers, each, payload) =>
        numbers(`calls("${server}", ${callers}, ${each}, "${payload}")`),
      casts: (server, count) => numbers(`casts("${server}", ${count})`),
      connect: (server) => numbers(`connect("${server}")`),
      joins: async (count) => {
        const took = numbers(`joins(${count})`)
        // It listens before the first join.
        while ((await peer.eval('is_pid(Process.whereis(:watcher))', { session: 'other' })) !== 'true');
        return () => took
      },
      startChildren: (server, count, callers) => numbers(`start_children("${server}", ${count}, ${callers})`),
      flood: async (server) => {
        const flooding = peer.eval(`Bench.Client.flood("${server}")`, EVAL)
        while ((await peer.eval('is_pid(Process.whereis(:flood))', { session: 'other' })) !== 'true');
        return async () => {
          await peer.eval('send(:flood, :stop)', { session: 'other' })
          await flooding
        }
      },
    }
  }

  async tsClient(name = `tsclient${this.#started++}`): Promise<Client> {
    const { node, name: full } = await this.#tsNode(name)
    return {
      name: full,
      calls: (server, callers, each, kind) => node.run('calls', server, callers, each, kind),
      casts: (server, count) => node.run('casts', server, count),
      connect: (server) => node.run('connect', server),
    }
  }

  /** Hidden nodes that stay connected to a server and do nothing else; all in one process. */
  async crowd(count: number, server: Server): Promise<() => Promise<void>> {
    const node = new TsNode()
    this.#defer(() => node.kill())
    await node.run('crowd', count, COOKIE, this.#epmdPort, server.name)
    return async () => {
      await node.run('stop')
      await node.kill()
    }
  }

  /** Lets the TypeScript nodes end by themselves, so that they write what they have to. */
  async endTsNodes(): Promise<void> {
    await Promise.all(this.#tsNodes.map((node) => node.stop()))
  }

  async #peer(name: string, source: string): Promise<Peer> {
    const peer = await startPeer({ name, cookie: COOKIE, epmdPort: this.#epmdPort, library: false })
    this.#defer(() => peer.kill())
    await peer.eval(`${source}\n:ok`)
    return peer
  }

  async #tsNode(name: string): Promise<{ node: TsNode; name: string }> {
    const node = new TsNode(this.#flags)
    this.#tsNodes.push(node)
    this.#defer(() => node.kill())
    const full = `${name}@127.0.0.1`
    await node.run('start', full, COOKIE, this.#epmdPort)
    return { node, name: full }
  }
}

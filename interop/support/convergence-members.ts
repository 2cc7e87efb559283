/** The nodes of the convergence test: how they are started, cut off from each other, asked and killed. */
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { atom, type BeamNode, type Encodable, type Term } from '../../src/index.ts'
import type { Peer } from '../peer.ts'
import { findBeam } from './beam.ts'
import { startExPeer, startTsNode, type Teardown } from './cluster.ts'
import { ELIXIR_MEMBER } from './convergence-elixir.ts'
import { Run } from './life-journal.ts'
import { spawnReaped } from './reaper.ts'
import { type Cut, SplitNet } from './split-net.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const WATCH = 'watch@127.0.0.1'
const ANSWER_MS = 60_000

/** What a node reports. */
export interface View {
  /** The nodes that it sees. */
  readonly nodes: readonly string[]
  /** The children that it runs. */
  readonly local: readonly string[]
  /** Name and pid of all children. */
  readonly owners: readonly string[]
}

export interface MembersOptions {
  readonly ours: readonly string[]
  readonly theirs: readonly string[]
  /** Seconds of silence after which a node counts as gone. */
  readonly tick: number
}

interface Member {
  readonly run: Run
  readonly journal: Journal
  kill(): Promise<unknown>
  exited: Promise<unknown>
}

/** The lines that a node has written so far, whole ones only. */
class Journal {
  readonly #fd: number
  #rest = ''

  constructor(path: string) {
    this.#fd = openSync(path, 'a+')
  }

  read(): string[] {
    const chunk = Buffer.allocUnsafe(1 << 16)
    let text = this.#rest
    for (let length = readSync(this.#fd, chunk); length > 0; length = readSync(this.#fd, chunk)) {
      text += chunk.toString('latin1', 0, length)
    }
    const lines = text.split('\n')
    this.#rest = lines.pop() ?? ''
    return lines
  }

  close(): void {
    closeSync(this.#fd)
  }
}

export class Members {
  /** Of all nodes that ever ran. */
  readonly runs: Run[] = []
  readonly #t: Teardown
  readonly #options: MembersOptions
  readonly #net: SplitNet
  readonly #watch: BeamNode
  readonly #running = new Map<string, Member>()
  /** Where a node that is in a chroot finds its journals, and where they are then. */
  readonly #journals: { readonly inside: string; readonly outside: string }

  static async start(t: Teardown, options: MembersOptions): Promise<Members> {
    const names = [...options.ours, ...options.theirs, WATCH].map(short)
    const net = await SplitNet.start(t, names)
    // Hidden, so that it is in nobody's ring, and never cut off.
    const watch = await startTsNode(t, {
      name: WATCH,
      epmd: 'external',
      epmdPort: net.epmdPort(short(WATCH)),
      hidden: true,
    })
    return new Members(t, options, net, watch)
  }

  private constructor(t: Teardown, options: MembersOptions, net: SplitNet, watch: BeamNode) {
    this.#t = t
    this.#options = options
    this.#net = net
    this.#watch = watch
    const root = findBeam().root ?? ''
    const outside = mkdtempSync(join(root === '' ? tmpdir() : `${root}/tmp`, 'beamjoin-'))
    this.#journals = { inside: outside.slice(root.length), outside }
    t.teardown(() => rmSync(outside, { recursive: true, force: true }))
  }

  /** Starts a node that is connected to `side` alone and has the link to every other node cut. */
  async start(name: string, side: readonly string[], cut: Cut): Promise<void> {
    for (const other of this.#running.keys()) this.#link(name, other, side.includes(other) ? undefined : cut)
    const file = `${short(name)}-${this.runs.length}`
    const journal = new Journal(join(this.#journals.outside, file))
    this.#t.teardown(() => journal.close())
    const ended = this.#options.ours.includes(name)
      ? await this.#startOurs(name, join(this.#journals.outside, file), side)
      : await this.#startTheirs(name, join(this.#journals.inside, file), side)
    const run = new Run(name)
    this.runs.push(run)
    this.#running.set(name, { run, journal, ...ended })
    await this.#watch.connect(name)
  }

  async kill(name: string): Promise<void> {
    await this.#running.get(name)?.kill()
    await this.#ended(name)
  }

  /** Has a node hand over its children and end; what it said of it. */
  async leave(name: string): Promise<string> {
    const said = String(await this.ask(name, 'leave'))
    await this.#ended(name)
    return said
  }

  cut([some = [], others = []]: readonly (readonly string[])[], how: Cut): void {
    for (const one of some) for (const other of others) this.#link(one, other, how)
  }

  async heal(): Promise<void> {
    const names = [...this.#running.keys()]
    for (const one of names) for (const other of names) if (one < other) this.#link(one, other, undefined)
    await Promise.all(names.map((name) => this.connect(name, names)))
  }

  /** Has a node connect to others, without waiting for it. */
  async connect(name: string, others: readonly string[]): Promise<void> {
    const nodes = others.filter((other) => other !== name).map(atom)
    await this.ask(name, 'connect', nodes)
  }

  async view(name: string): Promise<View> {
    const [nodes = '', local = '', owners = ''] = String(await this.ask(name, 'view')).split(';')
    return { nodes: words(nodes), local: words(local), owners: words(owners) }
  }

  ask(name: string, fun: string, ...args: Encodable[]): Promise<Term> {
    return this.#watch.rpc.call(name, 'Elixir.Member', fun, args, { timeout: ANSWER_MS })
  }

  /** Reads what the nodes have written since the last time. */
  readJournals(): void {
    for (const { run, journal } of this.#running.values()) run.read(journal.read())
  }

  async #ended(name: string): Promise<void> {
    const member = this.#running.get(name)
    if (member === undefined) throw new Error(`${name} does not run`)
    await member.exited
    member.run.read(member.journal.read())
    member.run.end(Date.now())
    this.#running.delete(name)
  }

  #link(one: string, other: string, cut: Cut | undefined): void {
    if (cut === undefined) this.#net.heal(short(one), short(other))
    else this.#net.cut(short(one), short(other), cut)
  }

  async #startOurs(name: string, journal: string, side: readonly string[]) {
    const port = this.#net.epmdPort(short(name))
    const args = [name, port, this.#options.tick, journal, ...side].map(String)
    const child = spawnReaped(
      process.execPath,
      ['--import=tsx', 'interop/support/convergence-member.ts', ...args],
      { cwd: ROOT, stdio: ['pipe', 'pipe', 'inherit'] },
    )
    const kill = (): Promise<unknown> => {
      child.process.kill('SIGKILL')
      return child.exited
    }
    this.#t.teardown(kill)
    const ended = child.exited.then((end) =>
      Promise.reject(new Error(`${name} ended: ${JSON.stringify(end)}`)),
    )
    await Promise.race([once(createInterface({ input: child.process.stdout! }), 'line'), ended])
    ended.catch(() => {})
    return { kill, exited: child.exited }
  }

  async #startTheirs(name: string, journal: string, side: readonly string[]) {
    const epmdPort = this.#net.epmdPort(short(name))
    const args = ['-kernel', 'net_ticktime', String(this.#options.tick)]
    const peer: Peer = await startExPeer(this.#t, { name: short(name), epmdPort, args })
    await peer.eval(ELIXIR_MEMBER, { timeout: ANSWER_MS })
    const others = side.map((other) => `:"${other}"`).join()
    await peer.eval(`Member.start("${journal}", [${others}])`, { timeout: ANSWER_MS })
    return { kill: () => peer.kill(), exited: peer.exited }
  }
}

function short(name: string): string {
  return name.split('@')[0]!
}

function words(text: string): string[] {
  return text === '' ? [] : text.split(',')
}

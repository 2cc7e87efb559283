/**
 * Real BEAM nodes for the interop tests: started, spoken to outside of the distribution, and always reaped.
 *
 * A peer evaluates code that arrives on its standard input (interop/companion), so a test can look into it whether or
 * not it is connected to anything. It never starts an epmd of its own: the test says on which port one listens, be it a
 * TypeScript node's or one from `startEpmd`.
 */
import type { ChildProcess } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { createInterface } from 'node:readline'
import { type Beam, beamCommand, findBeam } from './support/beam.ts'
import { base64, companionFor } from './support/companion.ts'
import { loadElixirLibrary } from './support/elixir-library.ts'
import { type ChildExit, type ReapedChild, spawnReaped } from './support/reaper.ts'
import { waitFor } from './support/wait.ts'

export { type Beam, findBeam, whyNotOtp } from './support/beam.ts'
export { type Epmd, startEpmd } from './support/epmd.ts'
export { type Cleanup, freePort, type WaitOptions, waitFor, withCleanup } from './support/wait.ts'

export interface PeerOptions {
  /** The node's name; `@127.0.0.1` is added to one without a host. */
  readonly name: string
  /** `-setcookie`; undefined: the node looks for the cookie file of its HOME. */
  readonly cookie: string | undefined
  /** Where the epmd listens that the node registers at. */
  readonly epmdPort: number
  /**
   * The OTP release. Leave it out where any will do: the test then runs on the release of the environment variable
   * BEAMJOIN_OTP, or on the machine's own. A test of one release says so with `skip: whyNotOtp(29)`.
   */
  readonly otp?: number
  /** Connect as a hidden node; false. */
  readonly hidden?: boolean
  /** False for plain Erlang: `eval` then takes Erlang expressions. True. */
  readonly elixir?: boolean
  /** `-sname` in place of `-name`; the name is taken as it is. */
  readonly shortNames?: boolean
  /** What the node listens on, in Erlang; `{127,0,0,1}`. */
  readonly listenOn?: string
  /** Define the modules of interop/elixir in the node; true, with Elixir. */
  readonly library?: boolean
  /** More arguments for the emulator, each without white space, such as `['-kernel', 'net_ticktime', '4']`. */
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Milliseconds until the node must be ready; 30000. */
  readonly timeout?: number
}

export interface EvalOptions {
  /** Milliseconds until the answer must be there; 10000. The session is killed after that. */
  readonly timeout?: number
  /** The process that evaluates. Each name is a process with bindings and a mailbox of its own; `main`. */
  readonly session?: string
}

const FRAME = /^@beamjoin (\d+) (ok|error) (\S*)$/
const OUTPUT_LINES_KEPT = 2000

/** Code in a peer failed; the message is what the peer printed of the exception. */
export class PeerEvalError extends Error {
  override readonly name = 'PeerEvalError'
}

interface Waiting {
  readonly resolve: (text: string) => void
  readonly reject: (error: Error) => void
}

/**
 * Starts a node and resolves when it takes code. Rejects with the node's output when it exits first.
 *
 * @example
 * const peer = await startPeer({ name: 'ex', cookie: 'c', epmdPort })
 * t.teardown(() => peer.kill())
 * t.equal(await peer.eval('Node.connect(:"ts@127.0.0.1")'), 'true')
 */
export async function startPeer(options: PeerOptions): Promise<Peer> {
  const beam = findBeam(options.otp)
  const complete = options.name.includes('@') || options.shortNames === true
  const name = complete ? options.name : `${options.name}@127.0.0.1`
  const elixir = options.elixir ?? true
  const companion = companionFor(elixir)
  const [command, args] = beamCommand(beam, companion.program, companion.args)
  const child = spawnReaped(command, args, {
    cwd: tmpdir(),
    env: environment(options, name),
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const peer = new Peer(name, beam, child)
  try {
    await peer.ready(companion.firstLine, options.timeout ?? 30_000)
    if (elixir && (options.library ?? true)) await loadElixirLibrary(peer)
    return peer
  } catch (error) {
    await peer.kill()
    throw error
  }
}

/** A running node. Made by `startPeer`. */
export class Peer {
  readonly name: string
  readonly beam: Beam
  readonly pid: number | undefined
  /** Resolves when the process has ended; never rejects. */
  readonly exited: Promise<ChildExit>
  /** What runs there, such as `OTP 25 Elixir 1.14.0`. */
  version = ''
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  /** Per session the last request, so that one session evaluates one thing at a time. */
  readonly #last = new Map<string, Promise<unknown>>()
  readonly #output: string[] = []
  #nextId = 1
  #end: ChildExit | undefined

  constructor(name: string, beam: Beam, child: ReapedChild) {
    this.name = name
    this.beam = beam
    this.pid = child.process.pid
    this.#process = child.process
    this.exited = child.exited.then((end) => this.#handleExit(end))
    const { stdin, stdout, stderr } = child.process
    // The node may end while a line is on its way; that it did is told by `exited`.
    stdin?.on('error', () => {})
    if (stdout) createInterface({ input: stdout }).on('line', (line) => this.#handleLine(line))
    if (stderr) createInterface({ input: stderr }).on('line', (line) => this.#keep(line))
  }

  /** What the node printed on standard output and standard error, without the answers; the last 2000 lines. */
  get output(): string {
    return this.#output.join('\n')
  }

  /** Whether `eval` takes Elixir; Erlang, otherwise. */
  get elixir(): boolean {
    return this.version.includes('Elixir')
  }

  /** Whether the process still runs. */
  get running(): boolean {
    return this.#end === undefined
  }

  /**
   * Evaluates code in the node and resolves to the value as `inspect/2` prints it. Code of one session runs in one
   * process and in order: variables are kept, and messages sent to `self()` can be received later. Rejects with a
   * `PeerEvalError` when the code fails or its process exits, and with an `Error` when the node ends or the time is up.
   *
   * @example await peer.eval('GenServer.call({:via, Beamjoin.Registry, {DS, MGS}}, :get)') // '1'
   */
  eval(code: string, { timeout = 10_000, session = 'main' }: EvalOptions = {}): Promise<string> {
    if (!/^\w+$/.test(session)) throw new TypeError(`session "${session}" is not a word`)
    const before = this.#last.get(session) ?? Promise.resolve()
    const answer = before.then(async () => {
      const id = this.#nextId++
      const received = this.#answer(id, timeout, code)
      this.#write(`eval ${id} ${session} ${base64(code)}`)
      try {
        return await received
      } catch (error) {
        if (!(error instanceof PeerEvalError)) this.#write(`drop ${session}`)
        throw error
      }
    })
    this.#last.set(
      session,
      answer.catch(() => {}),
    )
    return answer
  }

  /** Sends the process a signal, such as SIGCONT to let a frozen node go on. */
  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }

  /** Stops the process with SIGSTOP; resolves when the signal has reached every thread, and nobody answers any more. */
  async freeze(): Promise<void> {
    this.signal('SIGSTOP')
    await waitFor(() => isStopped(this.pid!), { what: `${this.name} to stop` })
  }

  /** Ends the node as a crash of the machine would: SIGKILL. Resolves when it is gone; safe to call twice. */
  async kill(): Promise<ChildExit> {
    if (this.running) this.signal('SIGKILL')
    return this.exited
  }

  /** Ends the node in order (`init:stop/0`), or kills it after `timeout` milliseconds. Safe to call twice. */
  async stop({ timeout = 5000 }: { readonly timeout?: number } = {}): Promise<ChildExit> {
    if (!this.running) return this.exited
    this.#write('stop')
    const timer = setTimeout(() => this.signal('SIGKILL'), timeout)
    try {
      return await this.exited
    } finally {
      clearTimeout(timer)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
  }

  /** @internal Hands the companion over and waits for its first answer. */
  async ready(companion: string, timeout: number): Promise<void> {
    const ready = this.#answer(0, timeout, 'starting')
    this.#write(companion)
    this.version = await ready
  }

  #answer(id: number, timeout: number, what: string): Promise<string> {
    if (this.#end !== undefined) return Promise.reject(this.#goneError(this.#end))
    return new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id)
        reject(new Error(`${this.#title()} gave no answer in ${timeout} ms to: ${what}\n${this.#tail()}`))
      }, timeout)
      this.#waiting.set(id, {
        resolve: (text) => {
          clearTimeout(timer)
          resolve(text)
        },
        reject: (error) => {
          clearTimeout(timer)
          reject(error)
        },
      })
    })
  }

  #handleLine(line: string): void {
    const frame = FRAME.exec(line)
    if (frame === null) {
      this.#keep(line)
      return
    }
    const [, id, status, payload = ''] = frame
    const waiting = this.#waiting.get(Number(id))
    if (waiting === undefined) return
    this.#waiting.delete(Number(id))
    const text = Buffer.from(payload, 'base64').toString('utf8')
    if (status === 'ok') waiting.resolve(text)
    else waiting.reject(new PeerEvalError(text))
  }

  #handleExit(end: ChildExit): ChildExit {
    this.#end = end
    for (const waiting of this.#waiting.values()) waiting.reject(this.#goneError(end))
    this.#waiting.clear()
    return end
  }

  #keep(line: string): void {
    if (line === '') return
    this.#output.push(line)
    if (this.#output.length > OUTPUT_LINES_KEPT) this.#output.shift()
  }

  #write(line: string): void {
    this.#process.stdin?.write(`${line}\n`)
  }

  #goneError(end: ChildExit): Error {
    const how = end.error?.message ?? (end.signal === null ? `exit code ${end.code}` : `signal ${end.signal}`)
    return new Error(`${this.#title()} has ended (${how})\n${this.#tail()}`)
  }

  #title(): string {
    return `peer ${this.name} on OTP ${this.beam.otp}`
  }

  #tail(): string {
    return this.#output.slice(-40).join('\n')
  }
}

/** The emulator takes its flags from ERL_AFLAGS itself, so no shell on the way can misread them. */
function environment(options: PeerOptions, name: string): NodeJS.ProcessEnv {
  const flags = [
    '-start_epmd false',
    `-kernel inet_dist_use_interface ${options.listenOn ?? '{127,0,0,1}'}`,
    `${options.shortNames === true ? '-sname' : '-name'} ${name}`,
    ...(options.cookie === undefined ? [] : [`-setcookie ${options.cookie}`]),
    ...(options.hidden === true ? ['-hidden'] : []),
    // An idle node must not spin: a test machine may have two cores and more nodes.
    '+sbwt none +sbwtdcpu none +sbwtdio none',
    ...(options.args ?? []),
  ]
  return {
    PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/bin:/sbin:/bin`,
    HOME: tmpdir(),
    LC_ALL: 'C.UTF-8',
    ERL_CRASH_DUMP_SECONDS: '0',
    ...options.env,
    ERL_EPMD_PORT: String(options.epmdPort),
    ERL_AFLAGS: flags.join(' '),
  }
}

/** Whether all threads of a process are stopped; true where the system does not tell. */
function isStopped(pid: number): boolean {
  const threads = `/proc/${pid}/task`
  if (!existsSync(threads)) return true
  return readdirSync(threads).every((thread) =>
    /\) T /.test(readFileSync(`${threads}/${thread}/stat`, 'utf8')),
  )
}

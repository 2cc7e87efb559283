/**
 * A BEAM that makes terms and judges what comes back, spoken to in packets over its standard input and output: one
 * virtual machine for a hundred thousand terms. Its program is interop/companion/etf_beam.erl.
 */
import { readFileSync } from 'node:fs'
import { decode, type Encodable, encode, type Term } from '../../src/etf/index.ts'
import { type Beam, beamCommand } from './beam.ts'
import { erlangLoader } from './companion.ts'
import { type ChildExit, type ReapedChild, spawnReaped } from './reaper.ts'

const ROOT = new URL('../../', import.meta.url)
const MODULES = ['test/vectors/etf/beamjoin_terms.erl', 'interop/companion/etf_beam.erl']

/** The sources arrive as the first packets; the last module then takes the port over. */
const BOOT = [
  'Port = open_port({fd, 0, 1}, [binary, {packet, 4}, eof]),',
  erlangLoader(),
  'Next = fun() -> receive {Port, {data, Source}} -> Load(unicode:characters_to_list(Source)) end end,',
  'Next(), (Next()):run(Port).',
].join(' ')

/** `ask` for one thing at a time. */
export class EtfBeam {
  readonly #child: ReapedChild
  readonly #chunks: Buffer[] = []
  #length = 0
  #answered: ((packet: Buffer) => void) | undefined
  #errors = ''

  constructor(beam: Beam) {
    const flags = ['-noinput', '+sbwt', 'none', '+sbwtdcpu', 'none', '+sbwtdio', 'none']
    const [command, args] = beamCommand(beam, 'erl', [...flags, '-eval', BOOT])
    this.#child = spawnReaped(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: environment() })
    const { stdin, stdout, stderr } = this.#child.process
    // That the program has ended is told by `exited`.
    stdin?.on('error', () => {})
    stdout?.on('data', (chunk: Buffer) => this.#receive(chunk))
    stderr?.on('data', (chunk: Buffer) => {
      this.#errors += chunk.toString()
    })
    for (const path of MODULES) this.#send(readFileSync(new URL(path, ROOT)))
  }

  /** Sends a request and resolves to the answer. Rejects when the program ends before. */
  async ask(request: Encodable): Promise<Term> {
    const answer = new Promise<Buffer>((resolve) => {
      this.#answered = resolve
    })
    this.#send(encode(request))
    const first = await Promise.race([answer, this.#child.exited])
    if (!Buffer.isBuffer(first))
      throw new Error(`the BEAM has ended: ${JSON.stringify(first)} ${this.#errors}`)
    return decode(first, { binaries: 'buffer', limits: { elements: 100_000_000 } })
  }

  /** Ends the program; safe to call twice. */
  async close(): Promise<ChildExit> {
    this.#child.process.kill('SIGKILL')
    return this.#child.exited
  }

  #send(packet: Uint8Array): void {
    const head = Buffer.alloc(4)
    head.writeUInt32BE(packet.length)
    this.#child.process.stdin?.write(head)
    this.#child.process.stdin?.write(packet)
  }

  #receive(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#length += chunk.length
    if (this.#length < 4) return
    const first = this.#chunks[0]!
    const announced = first.length < 4 ? Buffer.concat(this.#chunks).readUInt32BE() : first.readUInt32BE()
    if (this.#length < 4 + announced) return
    const packet = Buffer.concat(this.#chunks.splice(0)).subarray(4)
    this.#length = 0
    this.#answered?.(packet)
  }
}

function environment(): NodeJS.ProcessEnv {
  return {
    PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/bin:/sbin:/bin`,
    HOME: '/tmp',
    LC_ALL: 'C.UTF-8',
    ERL_CRASH_DUMP_SECONDS: '0',
  }
}

/**
 * A BEAM that makes terms and judges what comes back, spoken to in packets over its standard input and output: one
 * virtual machine for a hundred thousand terms. Its programs are etf_beam.erl and etf_elixir.exs of
 * interop/companion.
 */
import { readFileSync } from 'node:fs'
import { decode, type Encodable, encode, type Term } from '../../src/etf/index.ts'
import { type Beam, beamCommand } from './beam.ts'
import { erlangLoader } from './companion.ts'
import { type ChildExit, type ReapedChild, spawnReaped } from './reaper.ts'

const ROOT = new URL('../../', import.meta.url)
const TERMS = 'test/vectors/etf/beamjoin_terms.erl'

/** What to run, and the sources that it is sent as its first packets; the last of them takes the port over. */
const COMPANIONS = {
  erl: {
    args: [
      '-noinput',
      '-eval',
      [
        'Port = open_port({fd, 0, 1}, [binary, {packet, 4}, eof]),',
        erlangLoader(),
        'Next = fun() -> receive {Port, {data, Source}} -> Load(unicode:characters_to_list(Source)) end end,',
        'Next(), (Next()):run(Port).',
      ].join(' '),
    ],
    sources: [TERMS, 'interop/companion/etf_beam.erl'],
  },
  elixir: {
    args: [
      '--erl',
      '-noinput',
      '-e',
      `
      port = Port.open({:fd, 0, 1}, [:binary, :eof, packet: 4])
      next = fn -> receive do {^port, {:data, source}} -> source end end
      chunk = fn token, tokens ->
        if elem(token, 0) == :dot, do: {:cont, Enum.reverse([token | tokens]), []}, else: {:cont, [token | tokens]}
      end
      {:ok, tokens, _} = next.() |> String.to_charlist() |> :erl_scan.string()
      forms = Enum.chunk_while(tokens, [], chunk, fn [] -> {:cont, []} end)
      {:ok, module, binary} = forms |> Enum.map(&elem(:erl_parse.parse_form(&1), 1)) |> :compile.forms()
      {:module, _} = :code.load_binary(module, ~c"companion", binary)
      Code.eval_string(next.(), port: port)
      `,
    ],
    sources: [TERMS, 'interop/companion/etf_elixir.exs'],
  },
} as const

/** `ask` for one thing at a time. */
export class EtfBeam {
  readonly #child: ReapedChild
  readonly #chunks: Buffer[] = []
  #length = 0
  #answered: ((packet: Buffer) => void) | undefined
  #errors = ''

  constructor(beam: Beam, program: keyof typeof COMPANIONS) {
    const companion = COMPANIONS[program]
    const [command, args] = beamCommand(beam, program, companion.args)
    this.#child = spawnReaped(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: environment() })
    const { stdin, stdout, stderr } = this.#child.process
    // That the program has ended is told by `exited`.
    stdin?.on('error', () => {})
    stdout?.on('data', (chunk: Buffer) => this.#receive(chunk))
    stderr?.on('data', (chunk: Buffer) => {
      this.#errors += chunk.toString()
    })
    for (const path of companion.sources) this.#send(readFileSync(new URL(path, ROOT)))
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
    // An idle machine must not spin: there may be two cores.
    ERL_AFLAGS: '+sbwt none +sbwtdcpu none +sbwtdio none',
  }
}

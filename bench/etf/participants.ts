/** The processes that take part: one Node process for each codec, and a BEAM. */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { beamCommand, findBeam } from '../../interop/support/beam.ts'
import type { CodecName } from './codecs.ts'
import type { DocumentName } from './documents.ts'
import type { Ready, Request, Way } from './worker.ts'

export interface Participant {
  readonly name: string
  /** Bytes of each document that it takes, and of each variant of one. */
  readonly sizes: Readonly<Record<string, number>>
  /** Nanoseconds of processor time per call. */
  time(document: string, way: Way, ms: number): Promise<number>
  /** Bytes that one decoded document keeps; undefined where that cannot be told. */
  memory(document: string): Promise<number | undefined>
  stop(): void
}

export async function startCodec(name: CodecName): Promise<Participant> {
  const child = fork(fileURLToPath(new URL('./worker.ts', import.meta.url)), [name], {
    execArgv: ['--expose-gc', '--import=tsx'],
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    serialization: 'advanced',
  })
  let complaints = ''
  child.stderr!.on('data', (chunk: Buffer) => {
    complaints += chunk.toString()
  })
  const answer = <T>(): Promise<T> =>
    new Promise((resolve, reject) => {
      const exited = (): void => reject(new Error(firstError(complaints) ?? `${name} exited`))
      child.once('exit', exited)
      child.once('message', (message) => {
        child.off('exit', exited)
        resolve(message as T)
      })
    })
  const ask = (request: Request): Promise<number> => {
    child.send(request)
    return answer<number>()
  }
  const { sizes } = await answer<Ready>()
  return {
    name,
    sizes,
    time: (document, way, ms) => ask({ kind: 'time', document, way, ms }),
    memory: (document) => ask({ kind: 'memory', document }),
    stop: () => stop(child),
  }
}

/** What went wrong, out of what Node prints of an error that nobody caught. */
function firstError(text: string): string | undefined {
  return text.split('\n').find((line) => /^\w*Error\b.*: /.test(line))
}

/** One scheduler, and none that waits busily: its processor time is that of the work. */
const QUIET = ['+S', '1:1', '+sbwt', 'none', '+sbwtdcpu', 'none', '+sbwtdio', 'none']

/** Reads the source of the module, compiles it and runs it. In one expression, since the BEAM may be in a chroot. */
const BOOT = `
  Source = base64:decode(string:trim(io:get_line(""))),
  File = "/tmp/beam_codec." ++ os:getpid(),
  ok = file:write_file(File ++ ".erl", Source),
  {ok, Module, Code} = compile:file(File, [binary]),
  ok = file:delete(File ++ ".erl"),
  {module, Module} = code:load_binary(Module, File, Code),
  Module:main().`

/** `documents`: each in the external format. */
export async function startBeam(documents: ReadonlyMap<DocumentName, Uint8Array>): Promise<Participant> {
  const [command, args] = beamCommand(findBeam(), 'erl', [...QUIET, '-noshell', '-eval', BOOT])
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const answer = async (): Promise<string> => {
    const { done, value } = await lines.next()
    if (done) throw new Error('the BEAM exited')
    return value
  }
  child.stdin.write(`${readFileSync(new URL('./beam_codec.erl', import.meta.url)).toString('base64')}\n`)
  const [, release] = (await answer()).split(' ')
  const sizes: Record<string, number> = {}
  for (const [name, bytes] of documents) {
    child.stdin.write(`load ${name} ${Buffer.from(bytes).toString('base64')}\n`)
    sizes[name] = Number(await answer())
  }
  return {
    name: `OTP ${release}`,
    sizes,
    async time(document, way, ms) {
      child.stdin.write(`${way} ${document} ${ms * 1000}\n`)
      return Number(await answer())
    },
    memory: async () => undefined,
    stop: () => {
      child.stdin.end()
      stop(child)
    },
  }
}

function stop(child: ChildProcess): void {
  if (child.connected) child.disconnect()
  child.kill()
}

/**
 * Programs that need a terminal, driven as a person would: `script` of util-linux gives them one. What they print is kept
 * without the sequences that steer the cursor.
 */
import { beamCommand, findBeam } from './beam.ts'
import type { Teardown } from './cluster.ts'
import { type ChildExit, spawnReaped } from './reaper.ts'
import { waitFor } from './wait.ts'

const TIMEOUT_MS = 20_000
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
const STEERING = /\x1b\[[\d;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>]|[\x07\r]|.\x08/g

export interface Terminal {
  readonly exited: Promise<ChildExit>
  /** Types, without pressing return. */
  type(keys: string): void
  /** Types a line, and waits until something that was not there before matches. */
  enter(line: string, expected: RegExp): Promise<string>
  /** Waits until what was printed since the last wait matches. */
  until(expected: RegExp): Promise<string>
}

/** Starts a program of the BEAM under test in a terminal; killed when the test ends. */
export function startInTerminal(
  t: Teardown,
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Terminal {
  const [command, commandArgs] = beamCommand(findBeam(), program, args)
  const quoted = [command, ...commandArgs].map((part) => `'${part.replaceAll("'", `'\\''`)}'`).join(' ')
  const child = spawnReaped('script', ['-qfec', `stty rows 40 cols 160; exec ${quoted}`, '/dev/null'], {
    env: { ...process.env, TERM: 'xterm', HOME: '/tmp', LANG: 'C.UTF-8', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const { stdin, stdout } = child.process
  let raw = ''
  let seen = 0
  stdin?.on('error', () => {})
  stdout?.on('data', (chunk: Buffer) => {
    raw += chunk.toString('utf8')
  })
  t.teardown(() => {
    child.process.kill('SIGKILL')
    return child.exited
  })
  const fresh = (): string => raw.slice(seen).replace(STEERING, '')
  const until = async (expected: RegExp): Promise<string> => {
    await waitFor(() => expected.test(fresh()), { timeout: TIMEOUT_MS, what: String(expected) }).catch(
      (error: Error) => {
        throw new Error(`${error.message}; the terminal shows:\n${fresh()}`)
      },
    )
    const text = fresh()
    seen = raw.length
    return text
  }
  return {
    exited: child.exited,
    type: (keys) => void stdin?.write(keys),
    until,
    enter: (line, expected) => {
      stdin?.write(`${line}\r`)
      return until(expected)
    },
  }
}

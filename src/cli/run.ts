/** Runs a command line: finds the command, runs it, turns its outcome into an exit code (0 ok, 1 failed, 2 wrong usage). */
import { OptionError } from '../index.ts'
import { type Command, CommandFailed, formatHelp, type Io, parseArguments, UsageError } from './command.ts'
import { call } from './commands/call.ts'
import { epmd } from './commands/epmd.ts'
import { names } from './commands/names.ts'
import { nodes } from './commands/nodes.ts'
import { ping } from './commands/ping.ts'
import { repl } from './commands/repl.ts'
import { start } from './commands/start.ts'
import { packageVersion } from './version.ts'

const COMMANDS: readonly Command[] = [start, ping, names, nodes, call, epmd, repl]

function overview(): string {
  const width = Math.max(...COMMANDS.map((command) => command.name.length))
  const rows = COMMANDS.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`)
  return `beamjoin: a TypeScript node in an Erlang or Elixir cluster

Usage: beamjoin COMMAND [options]

${rows.join('\n')}

beamjoin COMMAND --help tells more; beamjoin --version prints the version.
`
}

async function dispatch(argv: readonly string[], io: Io): Promise<void> {
  const [word, ...rest] = argv
  if (word === undefined) throw new UsageError('name a command; beamjoin --help lists them')
  if (word === '--help' || word === '-h' || word === 'help') return io.out(overview())
  if (word === '--version' || word === '-v') return io.out(`${await packageVersion()}\n`)
  const command = COMMANDS.find(({ name }) => name === word)
  if (command === undefined) throw new UsageError(`unknown command '${word}'; beamjoin --help lists them`)
  const args = parseArguments(command, rest)
  if (args === 'help') io.out(formatHelp(command))
  else await command.run(args, io)
}

/** Runs one command line and gives back the exit code; never throws. */
export async function runCommandLine(argv: readonly string[], io: Io): Promise<0 | 1 | 2> {
  try {
    await dispatch(argv, io)
    return 0
  } catch (error) {
    // Ctrl-C ends a node that still joins others as it ends one that runs.
    if (io.interrupted.aborted && error === io.interrupted.reason) return 0
    const message = error instanceof Error ? error.message : String(error)
    io.err(`beamjoin: ${message.replaceAll('\n', ' ')}\n`)
    // A name, cookie or number that makes no sense came from the command line too.
    if (error instanceof UsageError || error instanceof OptionError) return 2
    if (!(error instanceof CommandFailed) && io.env['BEAMJOIN_DEBUG'] !== undefined)
      io.err(`${stackOf(error)}\n`)
    return 1
  }
}

function stackOf(error: unknown): string {
  return error instanceof Error && error.stack !== undefined ? error.stack : String(error)
}

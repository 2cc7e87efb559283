/** What a command of the command line is: its options, its help, and what it does. Parsing is Node's own `parseArgs`. */
import { parseArgs } from 'node:util'

export interface OptionSpec {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  readonly multiple?: boolean
  /** Placeholder of the value in the help: `NAME`. */
  readonly value?: string
  readonly help: string
}

/** Where a command writes; tests pass their own. */
export interface Io {
  out(text: string): void
  err(text: string): void
  readonly env: NodeJS.ProcessEnv
  /** Aborted by Ctrl-C and by SIGTERM. */
  readonly interrupted: AbortSignal
}

export interface Arguments {
  readonly positionals: readonly string[]
  text(option: string): string | undefined
  texts(option: string): readonly string[]
  flag(option: string): boolean
}

export interface Command {
  readonly name: string
  /** Operands as the help shows them: `NODE Mod fun '[args]'`. */
  readonly operands: string
  readonly summary: string
  /** Paragraphs below the usage line. */
  readonly details?: string
  readonly options: Readonly<Record<string, OptionSpec>>
  /** Fewest and most operands. */
  readonly arity: readonly [number, number]
  run(args: Arguments, io: Io): Promise<void>
}

/** The command line is used wrongly: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The command ran and failed: exit code 1, the message is the one line on stderr. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed'
}

const HELP: OptionSpec = { type: 'boolean', short: 'h', help: 'show this help' }

export function parseArguments(command: Command, argv: readonly string[]): Arguments | 'help' {
  const options = { ...command.options, help: HELP }
  let parsed: ReturnType<typeof parseArgs>
  try {
    parsed = parseArgs({ args: [...argv], options, allowPositionals: true, strict: true })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
  const { values, positionals } = parsed
  if (values['help'] === true) return 'help'
  const [fewest, most] = command.arity
  if (positionals.length < fewest || positionals.length > most) {
    throw new UsageError(`expected ${command.name} ${command.operands}, got ${positionals.length} operand(s)`)
  }
  return {
    positionals,
    text: (option) => values[option] as string | undefined,
    texts: (option) => (values[option] as string[] | undefined) ?? [],
    flag: (option) => values[option] === true,
  }
}

export function formatHelp(command: Command): string {
  const rows = Object.entries({ ...command.options, help: HELP }).map(([name, spec]) => {
    const short = spec.short === undefined ? '    ' : `-${spec.short}, `
    const value = spec.value === undefined ? '' : ` ${spec.value}`
    return { left: `  ${short}--${name}${value}`, right: spec.help + (spec.multiple ? ' (repeatable)' : '') }
  })
  const width = Math.max(...rows.map((row) => row.left.length))
  const table = rows.map((row) => `${row.left.padEnd(width)}  ${row.right}`).join('\n')
  const details = command.details === undefined ? '' : `\n${command.details.trim()}\n`
  const usage = `beamjoin ${command.name} ${command.operands}`.trimEnd()
  return `${usage} [options]\n\n${command.summary}\n${details}\nOptions:\n${table}\n`
}

/** A whole number option; throws `UsageError` outside of the range. */
export function parseNumber(text: string, option: string, lowest: number, highest: number): number {
  const number = Number(text)
  if (!Number.isInteger(number) || number < lowest || number > highest) {
    throw new UsageError(`--${option} must be a whole number from ${lowest} to ${highest}, got '${text}'`)
  }
  return number
}

/**
 * The registered process `logger_proxy`: log events of processes on other nodes whose group leader is on this one, which
 * their logger sends here (protocol.md 9.7). Each becomes a line of our logger.
 *
 *   {log, Level, Format, Args, Meta}        as io_lib:format/2
 *   {log, Level, {string, Chars}, Meta}     {log, Level, {report, Term}, Meta}, or Chars or a report as they are
 */
import { Atom, atom, brief, Pid, type Term, Tuple } from '../../etf/index.ts'
import { GenServer, noreply } from '../../runtime/index.ts'
import { charsToText } from './chars.ts'
import { formatErlang } from './format.ts'

const LOG = atom('log')
const PID = atom('pid')
const REPORT = atom('report')
const STRING = atom('string')
const MFA = atom('mfa')
/** A line that is longer tells nobody more. */
const MAX_CHARACTERS = 16_384

const LEVELS: Readonly<Record<string, 'debug' | 'info' | 'warn' | 'error'>> = {
  debug: 'debug',
  info: 'info',
  notice: 'info',
  warning: 'warn',
  error: 'error',
  critical: 'error',
  alert: 'error',
  emergency: 'error',
}

export interface LogEvent {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: object
  readonly message: string
}

/** The line for a log event; undefined for what is none. */
export function readLogEvent(message: Term): LogEvent | undefined {
  if (!(message instanceof Tuple) || message[0] !== LOG || message.length < 4 || message.length > 5)
    return undefined
  const parts = [...message] as Term[]
  const given = parts[1] instanceof Atom ? parts[1].name : ''
  const level = LEVELS[given]
  const meta = parts.at(-1)
  if (level === undefined || !(meta instanceof Map)) return undefined
  const text = parts.length === 5 ? formatted(parts[2] as Term, parts[3] as Term) : textOf(parts[2] as Term)
  const pid = meta.get(PID)
  const mfa = meta.get(MFA)
  const fields = {
    ...(pid instanceof Pid ? { node: pid.node.name, pid: String(pid) } : {}),
    ...(mfa === undefined ? {} : { mfa: brief(mfa) }),
    ...(given === level ? {} : { level: given }),
  }
  return { level, fields, message: text.slice(0, MAX_CHARACTERS).trimEnd() }
}

export class LoggerProxy extends GenServer<null> {
  override init() {
    return null
  }

  override handleInfo(message: Term) {
    const event = readLogEvent(message)
    // Around `self.logger`, whose fields are those of this process.
    if (event !== undefined) this.self.logger[event.level](event.fields, event.message)
    return noreply(null)
  }
}

function formatted(format: Term, args: Term): string {
  const text = Array.isArray(args) ? formatErlang(format, args as Term[]) : undefined
  return text ?? `${brief(format)} ${brief(args)}`
}

function textOf(given: Term): string {
  if (given instanceof Tuple && given.length === 2) {
    const [kind, value] = given as Tuple<[Term, Term]>
    if (kind === STRING) return charsToText(value) ?? brief(value)
    if (kind === REPORT) return brief(value)
  }
  return charsToText(given) ?? brief(given)
}

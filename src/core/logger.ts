/**
 * Where a node writes what a person should see. The shape is pino's, so that a pino logger fits as it is:
 * fields first, then the sentence.
 */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

const nothing = (): void => {}

/** Says nothing at all. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing }

/** Peers have a say in what is logged: no text of theirs may look like a line of its own, or steer a terminal. */
function onOneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, (character) => {
    return character === '\n' ? '\\n' : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

function line(level: string, fields: object, message: string): string {
  const details = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${value instanceof Error ? value.message : String(value)}`)
  return `beamjoin ${level}: ${onOneLine(message + details.join(''))}\n`
}

/**
 * Everything but what is for debugging, one line each; the default of a node writes them to standard error.
 *
 * @example
 * const lines: string[] = []
 * lineLogger((line) => lines.push(line)).warn({ node: 'n1' }, 'gone')
 * lines // ['beamjoin warning: gone node=n1\n']
 */
export function lineLogger(write: (line: string) => void): Logger {
  return {
    debug: nothing,
    info: (fields, message) => write(line('info', fields, message)),
    warn: (fields, message) => write(line('warning', fields, message)),
    error: (fields, message) => write(line('error', fields, message)),
  }
}

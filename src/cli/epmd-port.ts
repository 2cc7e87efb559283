import { parseNumber } from './command.ts'

const DEFAULT_PORT = 4369

/** The port of epmd that every Erlang program started from this environment uses. */
export function epmdPort(env: NodeJS.ProcessEnv): number {
  const text = env['ERL_EPMD_PORT']
  return text === undefined || text === '' ? DEFAULT_PORT : parseNumber(text, 'port', 1, 65_535)
}

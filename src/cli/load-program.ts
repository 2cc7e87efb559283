/** Loads the FILE of `beamjoin start`: its default export says what the node runs. */
import { pathToFileURL } from 'node:url'
import type { Program } from '../index.ts'
import { CommandFailed, UsageError } from './command.ts'

const KEYS: readonly string[] = ['modules', 'children', 'expose'] satisfies (keyof Program)[]

export async function loadProgram(file: string): Promise<Program> {
  const module = await importFile(file)
  const program: unknown = module['default']
  if (typeof program !== 'object' || program === null) {
    throw new UsageError(`${file} must have a default export such as { modules, children, expose }`)
  }
  const unknown = Object.keys(program).filter((key) => !KEYS.includes(key))
  if (unknown.length > 0) {
    throw new UsageError(`${file} exports ${unknown.join(', ')}; only ${KEYS.join(', ')} are known`)
  }
  return program
}

async function importFile(file: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ERR_UNKNOWN_FILE_EXTENSION' && /\.[cm]?ts$/.test(file)) {
      throw new CommandFailed(
        `this Node cannot load ${file}: use Node 22.18 or newer, or NODE_OPTIONS=--import=tsx with tsx installed`,
      )
    }
    throw new CommandFailed(`cannot load ${file}: ${message}`)
  }
}

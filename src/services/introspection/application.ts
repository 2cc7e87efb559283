/** The one application that this node runs, as `application:which_applications/0` lists it. */
import { readFileSync } from 'node:fs'
import { atom, type Encodable, tuple } from '../../etf/index.ts'
import { charlist } from './terms.ts'

export const APPLICATION = atom('beamjoin')
const DESCRIPTION = 'a TypeScript node'

let version: string | undefined

/** `{beamjoin, Description, Version}` */
export function applicationEntry(): Encodable {
  return tuple(APPLICATION, charlist(DESCRIPTION), charlist(packageVersion()))
}

/** The version in the package's manifest, three folders up from source and build alike; bundles have none. */
export function packageVersion(): string {
  if (version !== undefined) return version
  try {
    const manifest = new URL('../../../package.json', import.meta.url)
    version = String((JSON.parse(readFileSync(manifest, 'utf8')) as { version: unknown }).version)
  } catch {
    version = '0.0.0'
  }
  return version
}

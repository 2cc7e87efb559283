/**
 * Which Debian mirror the machine uses, read from its apt configuration: the one-line format of sources.list and the
 * deb822 format of *.sources files. Pure text in, addresses out.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'

/** One address with the suites that apt takes from it. */
export interface AptSource {
  readonly uri: string
  readonly suites: readonly string[]
}

/** Sources of a sources.list, `deb [options] URI SUITE COMPONENT...` on each line. */
export function parseListFormat(text: string): AptSource[] {
  const sources: AptSource[] = []
  for (const line of text.split('\n')) {
    const match = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)/.exec(line.replace(/#.*/, ''))
    if (match?.[1] !== undefined && match[2] !== undefined)
      sources.push({ uri: match[1], suites: [match[2]] })
  }
  return sources
}

/** Sources of a *.sources file: stanzas of `Field: value`, where a value goes on in lines that begin with a space. */
export function parseDeb822Format(text: string): AptSource[] {
  const withoutComments = text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
  return withoutComments.split(/\n\s*\n/).flatMap((stanza) => {
    const fields = new Map<string, string[]>()
    for (const [, name = '', value = ''] of stanza.matchAll(/^([\w-]+):((?:.*)(?:\n[ \t].*)*)/gm)) {
      fields.set(name.toLowerCase(), value.split(/\s+/).filter(Boolean))
    }
    const enabled = fields.get('enabled')?.[0]?.toLowerCase() !== 'no'
    if (!enabled || !fields.get('types')?.includes('deb')) return []
    const suites = fields.get('suites') ?? []
    return (fields.get('uris') ?? []).map((uri) => ({ uri, suites }))
  })
}

/** The address that serves `suite`, the machine's own release, and so every other release of Debian beside it. */
export function mirrorOf(sources: readonly AptSource[], suite: string): string | undefined {
  const fitting = sources.find(({ uri, suites }) => suites.includes(suite) && /^(https?|file):/.test(uri))
  return fitting?.uri.replace(/\/+$/, '')
}

/** All sources of the machine's apt configuration. */
export function readAptSources(etc = '/etc/apt'): AptSource[] {
  const sources: AptSource[] = []
  if (existsSync(`${etc}/sources.list`)) {
    sources.push(...parseListFormat(readFileSync(`${etc}/sources.list`, 'utf8')))
  }
  const folder = `${etc}/sources.list.d`
  for (const file of existsSync(folder) ? readdirSync(folder).sort() : []) {
    const text = readFileSync(`${folder}/${file}`, 'utf8')
    if (file.endsWith('.list')) sources.push(...parseListFormat(text))
    if (file.endsWith('.sources')) sources.push(...parseDeb822Format(text))
  }
  return sources
}

/** A value of os-release, such as `ID` or `VERSION_CODENAME`. */
export function osRelease(field: string, text = readOsRelease()): string | undefined {
  const value = new RegExp(`^${field}=(.*)$`, 'm').exec(text)?.[1]
  return value?.replace(/^(["'])(.*)\1$/, '$2')
}

function readOsRelease(): string {
  return existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : ''
}

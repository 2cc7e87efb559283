/** Addresses in parts, the counterpart of Elixir's `URI`. */
import { OptionError } from '../../core/index.ts'

const PARTS = /^(?:([a-z][a-z0-9+\-.]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#([\s\S]*))?$/i
const AUTHORITY = /^(?:(.*)@)?(\[[a-zA-Z0-9:.]*\]|[^:]*)(?::(\d*))?/

/** Ports that Elixir knows without being told. */
const DEFAULT_PORTS = new Map([
  ['ftp', 21],
  ['http', 80],
  ['https', 443],
  ['ldap', 389],
  ['sftp', 22],
  ['tftp', 69],
  ['ws', 80],
  ['wss', 443],
])

/** The parts of a `Uri`; null where there is none. */
export interface UriParts {
  readonly scheme?: string | null
  readonly userinfo?: string | null
  readonly host?: string | null
  readonly port?: number | null
  readonly path?: string | null
  readonly query?: string | null
  readonly fragment?: string | null
  /** Elixir's deprecated field, which `URI.parse/1` fills. */
  readonly authority?: string | null
}

const TEXTS = ['scheme', 'userinfo', 'host', 'path', 'query', 'fragment', 'authority'] as const

/**
 * An address in parts: Elixir's `URI`. Unlike `URL` it may be relative, and is kept as it was written.
 *
 * @example
 * const uri = Uri.parse('https://example.org/a?b=1')
 * uri.port // 443
 * encode(uri, { structs: elixirStructs }) // URI.parse("https://example.org/a?b=1")
 */
export class Uri implements Required<UriParts> {
  readonly scheme: string | null
  readonly userinfo: string | null
  readonly host: string | null
  readonly port: number | null
  readonly path: string | null
  readonly query: string | null
  readonly fragment: string | null
  readonly authority: string | null

  /** @throws OptionError (`ERR_INVALID_OPTION`) for a part that is no text, or a port that is none. */
  constructor(parts: UriParts) {
    for (const name of TEXTS) {
      const value: unknown = parts[name] ?? null
      if (value !== null && typeof value !== 'string')
        throw new OptionError(`the ${name} of a URI is a string`)
    }
    const port: unknown = parts.port ?? null
    if (port !== null && !(Number.isInteger(port) && (port as number) >= 0)) {
      throw new OptionError(`the port of a URI is a whole number from 0, got ${String(port)}`)
    }
    this.scheme = parts.scheme ?? null
    this.userinfo = parts.userinfo ?? null
    this.host = parts.host ?? null
    this.port = parts.port ?? null
    this.path = parts.path ?? null
    this.query = parts.query ?? null
    this.fragment = parts.fragment ?? null
    this.authority = parts.authority ?? null
  }

  /** The parts of a text, as `URI.parse/1` finds them; every text has some. */
  static parse(text: string): Uri {
    const [, scheme, authority, path, query, fragment] = PARTS.exec(text) ?? []
    const lower = scheme?.toLowerCase() ?? null
    const known = lower === null ? undefined : DEFAULT_PORTS.get(lower)
    const rest = { path: path || null, query: query ?? null, fragment: fragment ?? null }
    if (authority === undefined) return new Uri({ scheme: lower, port: known ?? null, ...rest })
    const [, userinfo, host = '', port] = AUTHORITY.exec(authority) ?? []
    return new Uri({
      scheme: lower,
      authority,
      userinfo: userinfo ?? null,
      host: host.startsWith('[') ? host.slice(1, -1) : host,
      port: port ? Number(port) : (known ?? null),
      ...rest,
    })
  }

  /** As `URI.to_string/1` writes it: without the port that the scheme implies. */
  toString(): string {
    const { scheme, path, query, fragment } = this
    const authority = this.#authorityText()
    return [
      scheme === null ? '' : `${scheme}:`,
      authority === undefined ? '' : `//${authority}`,
      path ?? '',
      query === null ? '' : `?${query}`,
      fragment === null ? '' : `#${fragment}`,
    ].join('')
  }

  #authorityText(): string | undefined {
    const { scheme, userinfo, host, port, authority } = this
    if (host === null) return authority ?? undefined
    const implied = scheme === null ? undefined : DEFAULT_PORTS.get(scheme)
    return [
      userinfo === null ? '' : `${userinfo}@`,
      host.includes(':') ? `[${host}]` : host,
      port === null || port === implied ? '' : `:${port}`,
    ].join('')
  }

  toJSON(): string {
    return this.toString()
  }
}

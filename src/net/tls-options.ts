/**
 * What TLS needs to know, for the role that dials and the role that is dialed, and the contexts of Node made of it.
 * Mirrors `-ssl_dist_optfile` of OTP: its `client` and `server` sections, `verify`, `fail_if_no_peer_cert`.
 */
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import { describeError, OptionError } from '../core/index.ts'

/** PEM: text, or the bytes of a file. */
export type Pem = string | Uint8Array

/** One role's side of TLS. */
export interface TlsRoleOptions {
  /** Our certificate, with the intermediate ones behind it. Needed to be dialed; to dial, when the peer asks for one. */
  readonly cert?: Pem
  /** The private key of `cert`. */
  readonly key?: Pem
  /** Opens an encrypted `key`. */
  readonly passphrase?: string
  /** The authorities whose certificates are trusted. Needed with `verify`. */
  readonly ca?: Pem | readonly Pem[]
  /** Certificates that are revoked. */
  readonly crl?: Pem | readonly Pem[]
  /** True (default): the peer's certificate must lead to `ca`. False: whatever the peer shows, or nothing, will do. */
  readonly verify?: boolean
  /** OpenSSL's notation. Default: Node's. */
  readonly ciphers?: string
  /** Default `TLSv1.2`. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3'
  /** Default `TLSv1.3`. */
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3'
}

/** Options for both roles, and what differs in one of them. */
export interface TlsOptions extends TlsRoleOptions {
  /** When we dial. */
  readonly client?: TlsClientOptions
  /** When we are dialed. */
  readonly server?: TlsServerOptions
}

export interface TlsClientOptions extends TlsRoleOptions {
  /** True (default): the certificate must name the host that was dialed, the part of a node name behind the `@`. */
  readonly checkHost?: boolean
}

export interface TlsServerOptions extends TlsRoleOptions {
  /** True (default): with `verify`, a peer without a certificate is refused. */
  readonly failIfNoPeerCert?: boolean
}

/** Checked once, so that a wrong key is an error at start and no peer's problem. */
export interface ResolvedTls {
  readonly client: { readonly context: SecureContext; readonly verify: boolean; readonly checkHost: boolean }
  readonly server: {
    readonly context: SecureContextOptions
    readonly verify: boolean
    readonly failIfNoPeerCert: boolean
  }
}

/** @throws OptionError that names the option; it holds no key. */
export function resolveTls(options: TlsOptions): ResolvedTls {
  const { client = {}, server = {}, ...both } = options
  const dialing = { ...both, ...client }
  const dialed = { ...both, ...server }
  if (dialed.cert === undefined || dialed.key === undefined) {
    throw new OptionError(
      'listen.tls needs cert and key, in PEM: without them no node can connect to this one',
    )
  }
  const serverContext = contextOptions(dialed, 'server')
  // A server of Node takes the options themselves; that they are right shows when a context is made of them.
  makeContext(serverContext, 'server')
  return {
    client: {
      context: makeContext(contextOptions(dialing, 'client'), 'client'),
      verify: dialing.verify ?? true,
      checkHost: client.checkHost ?? true,
    },
    server: {
      context: serverContext,
      verify: dialed.verify ?? true,
      failIfNoPeerCert: server.failIfNoPeerCert ?? true,
    },
  }
}

type Role = 'client' | 'server'

function contextOptions(options: TlsRoleOptions, role: Role): SecureContextOptions {
  const { ca, cert, ciphers, crl, key, passphrase, verify = true } = options
  if (verify && ca === undefined) {
    throw new OptionError(
      `listen.tls needs ca, in PEM, to verify the nodes that ${role === 'client' ? 'are dialed' : 'dial'}; ` +
        `or say verify: false in listen.tls.${role} and trust every node that has the cookie`,
    )
  }
  return {
    ca: ca === undefined ? [] : buffers(ca),
    ...(cert === undefined ? {} : { cert: buffers(cert) }),
    ...(key === undefined ? {} : { key: buffers(key) }),
    ...(crl === undefined ? {} : { crl: buffers(crl) }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(ciphers === undefined ? {} : { ciphers }),
    minVersion: options.minVersion ?? 'TLSv1.2',
    maxVersion: options.maxVersion ?? 'TLSv1.3',
  }
}

function makeContext(options: SecureContextOptions, role: Role): SecureContext {
  try {
    return createSecureContext(options)
  } catch (cause) {
    const what = `listen.tls cannot be used to ${role === 'client' ? 'dial' : 'be dialed'}: ${describeError(cause)}`
    throw new OptionError(`${what}; check that cert, key and ca are PEM and belong together`, { cause })
  }
}

function buffers(pem: Pem | readonly Pem[]): Buffer[] {
  const list = typeof pem === 'string' || pem instanceof Uint8Array ? [pem] : pem
  return list.map((item) => (typeof item === 'string' ? Buffer.from(item) : Buffer.from(item)))
}

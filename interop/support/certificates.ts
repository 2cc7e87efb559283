/**
 * Certificates for the tests, made with the `openssl` program: an authority, and certificates of it for hosts. Their
 * files can also be put where a peer in a chroot sees them.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Beam } from './beam.ts'
import type { Teardown } from './cluster.ts'

/** PEM. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

export interface IssueOptions {
  /** Default: 127.0.0.1, ::1 and localhost. */
  readonly hosts?: readonly string[]
  /** Was valid once. Default false. */
  readonly expired?: boolean
}

/** The `skip` of a test that needs certificates: false where `openssl` is, else what is missing. */
export function whyNoCertificates(): string | false {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' })
    return false
  } catch {
    return 'no openssl on the PATH, which makes the certificates: install the package openssl'
  }
}

export class Authority {
  /** Its own certificate, to be trusted. */
  readonly ca: string
  readonly #folder: string
  #issued = 0

  constructor(t: Teardown, name = 'beamjoin test authority') {
    this.#folder = mkdtempSync(join(tmpdir(), 'beamjoin-ca-'))
    t.teardown(() => rmSync(this.#folder, { recursive: true }))
    writeFileSync(this.#path('index.txt'), '')
    writeFileSync(
      this.#path('ca.cnf'),
      [
        '[ca]\ndefault_ca = own',
        `[own]\ndatabase = ${this.#path('index.txt')}\nnew_certs_dir = ${this.#folder}`,
        'default_md = sha256\npolicy = any\nrand_serial = yes\ncopy_extensions = copy\nunique_subject = no',
        '[any]\ncommonName = supplied',
      ].join('\n'),
    )
    this.#openssl(
      'req',
      '-x509',
      ...NEW_KEY,
      '-keyout',
      'ca.key',
      '-out',
      'ca.pem',
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
    )
    this.ca = this.#read('ca.pem')
  }

  issue({ hosts = ['127.0.0.1', '::1', 'localhost'], expired = false }: IssueOptions = {}): Certificate {
    const name = `node${++this.#issued}`
    // A BEAM looks for the host of a node name among the DNS names, also when it is an address; Node does not.
    const isAddress = (host: string): boolean => /^[\d.]+$|:/.test(host)
    const names = hosts
      .flatMap((host) => [`DNS:${host}`, ...(isAddress(host) ? [`IP:${host}`] : [])])
      .join(',')
    const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${names}`]
    this.#openssl('req', ...NEW_KEY, '-keyout', `${name}.key`, '-out', `${name}.csr`, ...subject)
    const dates = expired ? ['-startdate', '20200101000000Z', '-enddate', '20210101000000Z'] : ['-days', '2']
    const by = ['-config', 'ca.cnf', '-keyfile', 'ca.key', '-cert', 'ca.pem']
    this.#openssl('ca', '-batch', '-notext', ...by, '-in', `${name}.csr`, '-out', `${name}.pem`, ...dates)
    return { cert: this.#read(`${name}.pem`), key: this.#read(`${name}.key`) }
  }

  #path(file: string): string {
    return join(this.#folder, file)
  }

  #read(file: string): string {
    return readFileSync(this.#path(file), 'utf8')
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.#folder, stdio: 'pipe' })
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

/** Writes files where this BEAM can read them; gives back their folder as the BEAM names it. */
export function filesFor(t: Teardown, beam: Beam, files: Readonly<Record<string, string>>): string {
  const root = beam.root ?? ''
  mkdirSync(join(root, '/tmp'), { recursive: true })
  const folder = mkdtempSync(join(root, beam.root === undefined ? tmpdir() : '/tmp', 'beamjoin-files-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder.slice(root.length)
}

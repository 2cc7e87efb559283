/** TLS between nodes on the command line: files in, the option `listen.tls` out. */
import { readFile } from 'node:fs/promises'
import type { TlsOptions } from '../index.ts'
import { type Arguments, type OptionSpec, UsageError } from './command.ts'

export const TLS_OPTIONS = {
  'tls-cert': { type: 'string', value: 'FILE', help: 'speak TLS with other nodes: our certificate, PEM' },
  'tls-key': { type: 'string', value: 'FILE', help: 'the key of that certificate' },
  'tls-ca': { type: 'string', value: 'FILE', help: 'the authorities that other nodes are verified with' },
  'tls-no-verify': { type: 'boolean', help: 'take any certificate of other nodes, or none' },
} as const satisfies Record<string, OptionSpec>

/** What to pass as `listen.tls`; undefined when no flag asks for TLS. */
export async function tlsOf(args: Arguments): Promise<TlsOptions | undefined> {
  const [cert, key, ca] = [args.text('tls-cert'), args.text('tls-key'), args.text('tls-ca')]
  const noVerify = args.flag('tls-no-verify')
  if (cert === undefined && key === undefined && ca === undefined && !noVerify) return undefined
  if (cert === undefined || key === undefined) {
    throw new UsageError('TLS needs --tls-cert FILE and --tls-key FILE')
  }
  if (ca === undefined && !noVerify) {
    throw new UsageError('TLS needs --tls-ca FILE to verify other nodes, or --tls-no-verify to take any')
  }
  return {
    cert: await read(cert, 'tls-cert'),
    key: await read(key, 'tls-key'),
    ...(ca === undefined ? {} : { ca: await read(ca, 'tls-ca') }),
    verify: !noVerify,
  }
}

async function read(file: string, option: string): Promise<Uint8Array> {
  try {
    return await readFile(file)
  } catch (error) {
    throw new UsageError(`--${option}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** A short-lived hidden node for the commands that ask another node something, as `erl_call` is one. */
import { randomBytes } from 'node:crypto'
import { type BeamNode, silentLogger, startNode } from '../index.ts'
import type { Arguments, Io, OptionSpec } from './command.ts'
import { parseNumber, UsageError } from './command.ts'
import { epmdPort } from './epmd-port.ts'
import { TLS_OPTIONS, tlsOf } from './tls.ts'
import { unlessInterrupted } from './until-aborted.ts'

export const VISIT_OPTIONS = {
  cookie: {
    type: 'string',
    short: 'c',
    value: 'COOKIE',
    help: 'the cluster cookie; default: your .erlang.cookie',
  },
  name: {
    type: 'string',
    short: 'n',
    value: 'NAME',
    help: 'name of the visiting node; default: one made up',
  },
  timeout: {
    type: 'string',
    value: 'MS',
    help: 'how long to wait for a connection, and then for an answer; default: 5000',
  },
  ...TLS_OPTIONS,
  json: { type: 'boolean', help: 'print one line of JSON' },
} as const satisfies Record<string, OptionSpec>

const DEFAULT_TIMEOUT_MS = 5000
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1
/** What a node takes as `netSetuptime`. */
const LONGEST_SETUPTIME_MS = 120_000

export interface Visit {
  readonly node: BeamNode
  readonly target: string
  readonly timeout: number
}

/** Starts the node, connects it to `target`, runs `ask`, and leaves again whatever happens. */
export async function visit<T>(
  args: Arguments,
  io: Io,
  target: string,
  ask: (visit: Visit) => Promise<T>,
): Promise<T> {
  const host = target.split('@')[1]
  if (host === undefined || host === '') {
    throw new UsageError(`'${target}' is not a node name: write it as name@host, for example n1@127.0.0.1`)
  }
  const timeout = parseNumber(
    args.text('timeout') ?? String(DEFAULT_TIMEOUT_MS),
    'timeout',
    1,
    LONGEST_TIMEOUT_MS,
  )
  const cookie = args.text('cookie')
  const tls = await tlsOf(args)
  const node = await startNode({
    name: args.text('name') ?? `beamjoin-${randomBytes(4).toString('hex')}@${host}`,
    ...(cookie === undefined ? {} : { cookie }),
    ...(tls === undefined ? {} : { listen: { tls } }),
    hidden: true,
    // Whoever visits needs no name of its own at the epmd; the one of the target's host is asked for the target.
    epmd: 'none',
    epmdPort: epmdPort(io.env),
    netSetuptime: Math.min(timeout, LONGEST_SETUPTIME_MS),
    logger: silentLogger,
  })
  try {
    return await unlessInterrupted(io.interrupted, () => ask({ node, target, timeout }))
  } finally {
    await node.stop()
  }
}

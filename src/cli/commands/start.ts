import { resolve } from 'node:path'
import * as beamjoin from '../../index.ts'
import {
  type BeamNode,
  DistributedSupervisor,
  inspect,
  keepHeapHeadroom,
  type Program,
  type StartNodeOptions,
  startNode,
} from '../../index.ts'
import { type Arguments, type Command, type Io, parseNumber, UsageError } from '../command.ts'
import { epmdPort } from '../epmd-port.ts'
import { EventLines } from '../events.ts'
import { iexHints } from '../hints.ts'
import { loadProgram } from '../load-program.ts'
import { TLS_OPTIONS, tlsOf } from '../tls.ts'
import { untilAborted } from '../until-aborted.ts'

/** Less than what a container gets between SIGTERM and SIGKILL. */
const DRAIN_MS = 10_000
const LONGEST_DRAIN_MS = 24 * 3_600_000

const HEADROOM_MIB = 64
const MOST_HEADROOM_MIB = 4096

export const start: Command = {
  name: 'start',
  operands: '[FILE]',
  summary: 'run a node until Ctrl-C; FILE says what runs in it',
  details: `
The default export of FILE (.js or .ts) is an object with any of
  modules   Elixir module name to server class, for --supervise
  children  children that the supervisor starts with, for --supervise
  expose    module name to functions that other nodes may call by rpc

Ctrl-C and SIGTERM: the children of --supervise move to other nodes that can run them, and the node leaves. A second
time: it ends at once.
`,
  options: {
    name: {
      type: 'string',
      short: 'n',
      value: 'NAME',
      help: 'name@host, or name alone; undefined: asked of --connect',
    },
    cookie: {
      type: 'string',
      short: 'c',
      value: 'COOKIE',
      help: 'the cluster cookie; default: your .erlang.cookie',
    },
    connect: { type: 'string', value: 'NODE', multiple: true, help: 'a node to join, now and after a loss' },
    supervise: {
      type: 'string',
      short: 's',
      value: 'NAME',
      help: 'run a DistributedSupervisor of that name: DS',
    },
    drain: {
      type: 'string',
      value: 'MS',
      help: 'how long children may take to move to other nodes at the end; default 10000, 0: they end here',
    },
    'heap-headroom': {
      type: 'string',
      value: 'MIB',
      help: 'memory that large messages may take before V8 collects the whole heap; default 64, 0: as V8 sees fit',
    },
    ...TLS_OPTIONS,
    hidden: { type: 'boolean', help: 'do not appear in Node.list()' },
    'remote-shell': {
      type: 'boolean',
      help: 'erl -remsh and iex --remsh open a JavaScript prompt in this node',
    },
    hints: { type: 'boolean', help: 'print lines to try in iex; they show the cookie' },
  },
  arity: [0, 1],
  async run(args, io) {
    const name = args.text('name')
    if (name === undefined) throw new UsageError('say who you are: --name ts@127.0.0.1')
    const file = args.positionals[0]
    const program = file === undefined ? {} : await loadProgram(resolve(file))
    const supervisor = args.text('supervise')
    if (supervisor === undefined && (program.modules !== undefined || program.children !== undefined)) {
      throw new UsageError(`${file} has modules or children: say with --supervise NAME who looks after them`)
    }
    drainTime(args)
    const letGo = keepHeadroom(args)
    try {
      const node = await startNode(await nodeOptions(name, args, io))
      try {
        await serve(node, program, args, io)
      } finally {
        await node.stop()
      }
    } finally {
      letGo()
    }
  },
}

async function nodeOptions(name: string, args: Arguments, io: Io): Promise<StartNodeOptions> {
  const cookie = args.text('cookie')
  const tls = await tlsOf(args)
  return {
    name,
    ...(cookie === undefined ? {} : { cookie }),
    connect: args.texts('connect'),
    hidden: args.flag('hidden'),
    ...(tls === undefined ? {} : { listen: { tls } }),
    epmdPort: epmdPort(io.env),
    signal: io.interrupted,
    remoteShell: args.flag('remote-shell') && { scope: beamjoin },
  }
}

function keepHeadroom(args: Arguments): () => void {
  const text = args.text('heap-headroom')
  const mebibytes =
    text === undefined ? HEADROOM_MIB : parseNumber(text, 'heap-headroom', 0, MOST_HEADROOM_MIB)
  return mebibytes === 0 ? () => {} : keepHeapHeadroom(mebibytes * 2 ** 20)
}

async function serve(node: BeamNode, program: Program, args: Arguments, io: Io): Promise<void> {
  const epmd = node.hasEmbeddedEpmd ? 'with its own epmd' : 'registered with the epmd of this machine'
  const where = node.port === 0 ? ', named by its first peer' : ` on port ${node.port}, ${epmd}`
  io.out(`${node.name} is up${where}\n`)
  const events = new EventLines(node, io.out)
  try {
    for (const [module, functions] of Object.entries(program.expose ?? {})) node.rpc.expose(module, functions)
    const supervisor = args.text('supervise')
    const ds =
      supervisor === undefined ? undefined : await supervise(node, supervisor, program, events, io.out)
    if (args.flag('hints')) io.out(`\n${iexHints(node, hintOptions(args, io))}\n`)
    await untilAborted(io.interrupted)
    io.out('leaving\n')
    if (ds !== undefined) await leave(ds, drainTime(args), io)
  } finally {
    events.close()
  }
}

function drainTime(args: Arguments): number {
  const text = args.text('drain')
  return text === undefined ? DRAIN_MS : parseNumber(text, 'drain', 0, LONGEST_DRAIN_MS)
}

async function leave(ds: DistributedSupervisor, timeout: number, io: Io): Promise<void> {
  if (timeout === 0) return ds.stop()
  const { moved, left } = await ds.drain({ timeout })
  for (const { name, reason } of left) {
    io.err(`${inspect(name)} did not move: ${inspect(reason)}\n`)
  }
  if (moved.length + left.length > 0) io.out(`${moved.length} children moved, ${left.length} did not\n`)
}

async function supervise(
  node: BeamNode,
  name: string,
  { modules = {}, children = [] }: Program,
  events: EventLines,
  print: (text: string) => void,
): Promise<DistributedSupervisor> {
  const ds = await DistributedSupervisor.startLink(node, {
    name,
    modules,
    monitorNodes: true,
    listeners: [events],
  })
  for (const child of children) await ds.startChild(child, node.name)
  print(`supervisor ${name} runs ${Object.keys(modules).join(', ') || 'no modules'}\n`)
  return ds
}

function hintOptions(args: Arguments, io: Io) {
  return {
    cookie: args.text('cookie') ?? 'YOUR_COOKIE',
    supervisor: args.text('supervise'),
    epmdPort: io.env['ERL_EPMD_PORT'],
  }
}

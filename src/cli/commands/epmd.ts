import { EpmdServer, TcpNetwork } from '../../index.ts'
import { type Command, parseNumber } from '../command.ts'
import { epmdPort } from '../epmd-port.ts'
import { untilAborted } from '../until-aborted.ts'

export const epmd: Command = {
  name: 'epmd',
  operands: '',
  summary: 'run the embedded epmd in the foreground; it serves Erlang and Elixir nodes too',
  options: {
    port: {
      type: 'string',
      short: 'p',
      value: 'PORT',
      help: 'port to listen on; default: ERL_EPMD_PORT or 4369',
    },
    address: {
      type: 'string',
      short: 'a',
      value: 'ADDRESS',
      help: 'address to listen on; default: 127.0.0.1',
    },
    relaxed: { type: 'boolean', help: 'take epmd -kill and epmd -stop from programs on this machine' },
  },
  arity: [0, 0],
  async run(args, io) {
    const given = args.text('port')
    const port = given === undefined ? epmdPort(io.env) : parseNumber(given, 'port', 0, 65_535)
    const host = args.text('address') ?? '127.0.0.1'
    const ended = new AbortController()
    const server = await EpmdServer.listen({
      network: new TcpNetwork(),
      host,
      port,
      relaxed: args.flag('relaxed') || io.env['ERL_EPMD_RELAXED_COMMAND_CHECK'] !== undefined,
      onKill: () => ended.abort(),
    })
    try {
      io.out(`epmd listens on ${server.host} port ${server.port}; Ctrl-C ends it\n`)
      await untilAborted(AbortSignal.any([io.interrupted, ended.signal]))
    } finally {
      await server.close()
    }
  },
}

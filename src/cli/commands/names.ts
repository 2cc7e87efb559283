import { EpmdClient, TcpNetwork } from '../../index.ts'
import { type Command, parseNumber } from '../command.ts'
import { epmdPort } from '../epmd-port.ts'
import { unlessInterrupted } from '../until-aborted.ts'

export const names: Command = {
  name: 'names',
  operands: '[HOST]',
  summary: 'list the nodes that the epmd of a host knows, as epmd -names does',
  options: {
    port: { type: 'string', short: 'p', value: 'PORT', help: 'port of epmd; default: ERL_EPMD_PORT or 4369' },
    json: { type: 'boolean', help: 'print one line of JSON' },
  },
  arity: [0, 1],
  async run(args, io) {
    const given = args.text('port')
    const port = given === undefined ? epmdPort(io.env) : parseNumber(given, 'port', 1, 65_535)
    const client = new EpmdClient({ network: new TcpNetwork(), port })
    const host = args.positionals[0] ?? '127.0.0.1'
    const signal = io.interrupted
    const found = await unlessInterrupted(signal, () => client.names(host, { signal }))
    if (args.flag('json')) io.out(`${JSON.stringify(found)}\n`)
    else for (const entry of found) io.out(`${entry.name} at port ${entry.port}\n`)
  },
}

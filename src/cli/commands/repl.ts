import * as beamjoin from '../../index.ts'
import { type Command, UsageError } from '../command.ts'
import { epmdPort } from '../epmd-port.ts'
import { untilAborted } from '../until-aborted.ts'

export const repl: Command = {
  name: 'repl',
  operands: '',
  summary: 'start a node and a JavaScript prompt with it in scope',
  details: `
In scope are \`node\` and everything the package exports, for instance:

  > await node.connect('n1@127.0.0.1')
  > await node.rpc.call('n1@127.0.0.1', 'Elixir.String', 'upcase', ['hi'])
`,
  options: {
    name: { type: 'string', short: 'n', value: 'NAME', help: 'name of the node: name@host, or name alone' },
    cookie: {
      type: 'string',
      short: 'c',
      value: 'COOKIE',
      help: 'the cluster cookie; default: your .erlang.cookie',
    },
    connect: { type: 'string', value: 'NODE', multiple: true, help: 'a node to join' },
    hidden: { type: 'boolean', help: 'do not appear in Node.list()' },
  },
  arity: [0, 0],
  async run(args, io) {
    const name = args.text('name')
    if (name === undefined) throw new UsageError('say who you are: --name repl@127.0.0.1')
    const cookie = args.text('cookie')
    const node = await beamjoin.startNode({
      name,
      ...(cookie === undefined ? {} : { cookie }),
      connect: args.texts('connect'),
      hidden: args.flag('hidden'),
      epmdPort: epmdPort(io.env),
      signal: io.interrupted,
    })
    try {
      // Not for `beamjoin start`: it sends every callback of the process through a domain.
      const { start } = await import('node:repl')
      const prompt = start({ prompt: `${node.name}> ` })
      Object.assign(prompt.context, beamjoin, { node })
      await new Promise<void>((resolve) => {
        prompt.once('exit', resolve)
        void untilAborted(io.interrupted).then(() => prompt.close())
      })
    } finally {
      await node.stop()
    }
  },
}

import { atom } from '../../index.ts'
import { type Command, CommandFailed } from '../command.ts'
import { VISIT_OPTIONS, visit } from '../visit.ts'

export const nodes: Command = {
  name: 'nodes',
  operands: 'NODE',
  summary: 'list the visible nodes that a node is connected to',
  options: VISIT_OPTIONS,
  arity: [1, 1],
  async run(args, io) {
    const list = await visit(args, io, args.positionals[0]!, async ({ node, target, timeout }) => {
      await node.connect(target)
      return node.rpc.call(target, 'erlang', 'nodes', [atom('visible')], { timeout })
    })
    if (!Array.isArray(list))
      throw new CommandFailed('the node answered with something that is no list of nodes')
    const found = list.map(String).sort()
    if (args.flag('json')) io.out(`${JSON.stringify(found)}\n`)
    else for (const name of found) io.out(`${name}\n`)
  },
}

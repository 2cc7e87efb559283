import { type Command, CommandFailed } from '../command.ts'
import { VISIT_OPTIONS, visit } from '../visit.ts'

export const ping: Command = {
  name: 'ping',
  operands: 'NODE',
  summary: 'ask a node whether it lives: prints pong, or pang and exits with 1',
  options: VISIT_OPTIONS,
  arity: [1, 1],
  async run(args, io) {
    const answer = await visit(args, io, args.positionals[0]!, async ({ node, target, timeout }) => {
      // Connecting first gives the reason where a ping alone would only say pang.
      const reason = await node.connect(target).then(
        () => undefined,
        (error: Error) => error.message,
      )
      return { reason, answer: reason === undefined ? await node.ping(target, { timeout }) : 'pang' }
    })
    if (args.flag('json')) io.out(`${JSON.stringify(answer)}\n`)
    else io.out(`${answer.answer}\n`)
    if (answer.answer !== 'pong')
      throw new CommandFailed(answer.reason ?? 'the node is there but does not answer')
  },
}

import { inspect, parseTerm, type Term } from '../../index.ts'
import { type Command, UsageError } from '../command.ts'
import { VISIT_OPTIONS, visit } from '../visit.ts'

export const call: Command = {
  name: 'call',
  operands: "NODE Mod fun '[args]'",
  summary: 'call a function on a node and print its result, both in Elixir syntax',
  details: `
Mod is an Elixir alias (String, My.Mod) or an Erlang module (:lists, or lists in lower case).

  beamjoin call n1@127.0.0.1 String upcase '["hi"]'
  beamjoin call n1@127.0.0.1 :erlang node
`,
  options: VISIT_OPTIONS,
  arity: [3, 4],
  async run(args, io) {
    const [target, module, fun, argumentText = '[]'] = args.positionals as [string, string, string, string?]
    const list = readArguments(argumentText)
    const result = await visit(args, io, target, async ({ node, timeout }) => {
      await node.connect(target)
      return node.rpc.call(target, moduleName(module), fun, list, { timeout })
    })
    const text = inspect(result)
    io.out(args.flag('json') ? `${JSON.stringify({ result: text })}\n` : `${text}\n`)
  },
}

function readArguments(text: string): readonly Term[] {
  let list: Term
  try {
    list = parseTerm(text)
  } catch (error) {
    throw new UsageError(`the arguments '${text}' are not Elixir syntax: ${(error as Error).message}`)
  }
  if (!Array.isArray(list))
    throw new UsageError(`the arguments must be a list such as '[1, "two"]', got '${text}'`)
  return list
}

function moduleName(text: string): string {
  if (text.startsWith(':')) return text.slice(1)
  return /^[A-Z]/.test(text) && !text.startsWith('Elixir.') ? `Elixir.${text}` : text
}

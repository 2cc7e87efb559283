/**
 * The same echo call with what others offer: Erlang's C node, called by the Elixir client, which takes casts and lists
 * besides; and Moleculer over TCP and gRPC, each with a client and a server in a Node process of its own. Who cannot take
 * part is named, with the reason.
 */
import { fileURLToPath } from 'node:url'
import type { Cleanup } from '../../interop/support/wait.ts'
import type { ElixirClient, Field } from '../contest/field.ts'
import { TsNode } from '../contest/ts-node.ts'
import { installPackages } from '../prepare.ts'
import { startCNode } from './c-node.ts'

const FOLDER = fileURLToPath(new URL('.', import.meta.url))
const PROCESS = fileURLToPath(new URL('./node-process.mjs', import.meta.url))

type Job = 'serve' | 'connect' | 'calls'

/** Rates per second; with calls, percentiles in microseconds. */
export interface Other {
  readonly name: string
  /** @param size that of the binary which is echoed */
  calls(callers: number, each: number, size: number): Promise<number[]>
  /** A list of 200 integers is echoed; who has no terms of Erlang has no such call. */
  integers?(each: number): Promise<number[]>
  casts?(count: number): Promise<number[]>
}

export async function openOthers(
  field: Field,
  elixir: ElixirClient,
  defer: (cleanup: Cleanup) => void,
): Promise<Other[]> {
  installPackages(FOLDER)
  const found: Other[] = []
  const participants: [string, () => Promise<Omit<Other, 'name'>>][] = [
    ['Elixir -> C node (ei)', () => cNode(field, elixir, defer)],
    ['Moleculer TCP', () => nodePair('moleculer', defer)],
    ['gRPC (@grpc/grpc-js)', () => nodePair('grpc', defer)],
  ]
  for (const [name, open] of participants) {
    try {
      found.push({ name, ...(await open()) })
    } catch (error) {
      process.stderr.write(`beamjoin: without ${name}: ${(error as Error).message.split('\n')[0]}\n`)
    }
  }
  return found
}

async function cNode(
  field: Field,
  elixir: ElixirClient,
  defer: (cleanup: Cleanup) => void,
): Promise<Omit<Other, 'name'>> {
  const name = 'cnode@127.0.0.1'
  await startCNode(name, field.cookie, field.epmdPort, defer)
  const node: Omit<Other, 'name'> = {
    calls: (callers, each, size) => elixir.calls(name, callers, each, `binary ${size}`),
    integers: (each) => elixir.calls(name, 1, each, 'integers'),
    casts: (count) => elixir.casts(name, count),
  }
  await node.calls(1, 1, 1)
  return node
}

async function nodePair(
  kind: 'moleculer' | 'grpc',
  defer: (cleanup: Cleanup) => void,
): Promise<Omit<Other, 'name'>> {
  const [server, client] = [new TsNode<Job>([], PROCESS), new TsNode<Job>([], PROCESS)]
  defer(() => Promise.all([server.kill(), client.kill()]))
  await client.run('connect', kind, await server.run('serve', kind))
  return { calls: (callers, each, size) => client.run('calls', callers, each, size) }
}

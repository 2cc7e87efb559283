/** The lines to try in iex against a node that was just started, ready to paste. */
import type { BeamNode } from '../index.ts'

export interface HintOptions {
  readonly cookie: string
  readonly supervisor: string | undefined
  /** Set when epmd is not on its usual port, so that iex needs to know. */
  readonly epmdPort: string | undefined
}

export function iexHints(node: BeamNode, { cookie, supervisor, epmdPort }: HintOptions): string {
  const host = node.name.name.split('@')[1]
  const environment = epmdPort === undefined ? '' : `ERL_EPMD_PORT=${epmdPort} `
  const shell = `cd interop/elixir && ${environment}iex --name iex@${host} --cookie ${cookie} -S mix`
  const lines = [`Node.connect(:"${node.name}")`, 'Node.list()']
  if (supervisor !== undefined) {
    lines.push(
      `mgs = {:via, Beamjoin.Registry, {${supervisor}, MGS}}`,
      'GenServer.call(mgs, :get)',
      'GenServer.call(mgs, {:add, 5})',
      'GenServer.cast(mgs, :crash)',
      'GenServer.call(mgs, :get)',
    )
  }
  lines.push(`:rpc.call(:"${node.name}", TsMath, :add, [1, 2])`)
  return `In another terminal:\n\n  ${shell}\n\n${lines.map((line) => `  ${line}`).join('\n')}\n\nCtrl-C leaves.\n`
}

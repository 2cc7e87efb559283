/** A TypeScript node and a BEAM node that can find each other, both gone when the test ends. */
import { type BeamNode, type StartNodeOptions, silentLogger, startNode } from '../../src/index.ts'
import { freePort, type Peer, type PeerOptions, startPeer, waitFor } from '../peer.ts'

export const COOKIE = 'interop'
export const TS = 'ts@127.0.0.1'
export const EX = 'ex@127.0.0.1'

/** What a test gives to clean up with; tap's `t` is one. */
export interface Teardown {
  teardown(undo: () => unknown): void
}

export interface ClusterOptions {
  readonly node?: Partial<StartNodeOptions>
  readonly peer?: Partial<PeerOptions>
}

export interface Cluster {
  readonly node: BeamNode
  readonly peer: Peer
  readonly epmdPort: number
}

/** A node of ours, on an embedded epmd unless one listens on `epmdPort`. */
export async function startTsNode(t: Teardown, options: Partial<StartNodeOptions> = {}): Promise<BeamNode> {
  const node = await startNode({ name: TS, cookie: COOKIE, logger: silentLogger, ...options })
  t.teardown(() => node.stop())
  return node
}

export async function startExPeer(
  t: Teardown,
  options: Partial<PeerOptions> & { epmdPort: number },
): Promise<Peer> {
  const peer = await startPeer({ name: EX, cookie: COOKIE, ...options })
  t.teardown(() => peer.kill())
  return peer
}

/** Both, not yet connected. */
export async function startCluster(t: Teardown, options: ClusterOptions = {}): Promise<Cluster> {
  const epmdPort = await freePort()
  const node = await startTsNode(t, { epmdPort, ...options.node })
  const peer = await startExPeer(t, { epmdPort, ...options.peer })
  return { node, peer, epmdPort }
}

/** Ends the connection from our side and waits until the BEAM knows, or has dialed again. */
export async function part(node: BeamNode, peer: Peer, peerName = EX): Promise<void> {
  if (!node.disconnect(peerName)) throw new Error(`there is no connection to ${peerName} to end`)
  await noticed(node, peer)
}

/**
 * Resolves when the BEAM knows that the connection that our node has ended is gone. A BEAM that has something to say to
 * us at that moment (its `global` may be in the middle of getting to know us) dials at once: then there is a new one.
 */
export async function noticed(node: BeamNode, peer: Peer): Promise<void> {
  const connected = peer.elixir ? 'Node.list(:connected)' : 'nodes(connected).'
  const isNoticed = async () => node.nodes('all').length > 0 || (await peer.eval(connected)) === '[]'
  await waitFor(isNoticed, { what: 'the BEAM to notice the end of the connection' })
}

/** Both, connected from the BEAM's side. */
export async function connectedCluster(t: Teardown, options: ClusterOptions = {}): Promise<Cluster> {
  const cluster = await startCluster(t, options)
  const connected = await cluster.peer.eval(`Node.connect(:"${TS}")`)
  if (connected !== 'true') throw new Error(`Node.connect gave ${connected}`)
  return cluster
}

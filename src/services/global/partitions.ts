/**
 * The rule against overlapping partitions (protocol.md 8.7): a lost connection is told to all, and whoever hears of one
 * leaves the node that was lost, so that every node of a part sees the same part.
 */
import type { Atom, Encodable } from '../../etf/index.ts'
import { LostConnections } from './lost-connections.ts'
import type { Peers } from './peers.ts'
import { encodeLostConnection, encodeRemoveConnection, type GlobalMessage, type Tag } from './protocol.ts'

export interface PartitionsOptions {
  readonly self: Atom
  /** Tells this incarnation of the node from others. */
  readonly creation: Tag
  /** False: losses are neither told nor heeded. */
  readonly isOn: boolean
}

export interface PartitionsEffects {
  /** A plain message to the name server of a node; never connects. */
  send(node: Atom, message: Encodable): void
  /** Counts the node as gone; its connection ends because we want it. */
  forget(node: Atom): void
  now(): number
  warn(fields: object, message: string): void
}

const SPLIT = 'to prevent overlapping partitions'

export class Partitions {
  readonly #options: PartitionsOptions
  readonly #peers: Peers
  readonly #effects: PartitionsEffects
  readonly #lost = new LostConnections()
  #isOn: boolean
  #operations = 0

  constructor(options: PartitionsOptions, peers: Peers, effects: PartitionsEffects) {
    this.#options = options
    this.#isOn = options.isOn
    this.#peers = peers
    this.#effects = effects
  }

  /** From now on losses are neither told nor heeded. */
  turnOff(): void {
    this.#isOn = false
  }

  /** We lost the connection to a node. */
  tellLoss(node: Atom): void {
    const { creation, self } = this.#options
    if (this.#isOn) this.#tellAll(encodeLostConnection(self, creation, ++this.#operations, node), node)
  }

  /** A node lost the connection to another. */
  handleLoss(message: Extract<GlobalMessage, { type: 'lost_connection' }>): void {
    const { creation, lost, node, operation } = message
    const { self } = this.#options
    if (!this.#isOn || !this.#lost.add(node, lost, creation, operation, this.#effects.now())) return
    this.#tellAll(encodeLostConnection(node, creation, operation, lost), node)
    const removed = lost === self ? node : lost
    if (!this.#peers.isPotentiallyKnown(removed)) return
    this.#effects.send(removed, encodeRemoveConnection(self))
    this.#effects.warn({ peer: removed.name }, `global asks a node to disconnect ${SPLIT}`)
    this.#effects.forget(removed)
  }

  /** A node asks us to leave it. @returns whether we have to */
  handleRemoval(node: Atom): boolean {
    if (!this.#peers.isPotentiallyKnown(node)) return false
    this.#effects.warn({ peer: node.name }, `global disconnects from a node ${SPLIT}`)
    this.#effects.forget(node)
    return true
  }

  #tellAll(message: Encodable, except: Atom): void {
    for (const node of this.#peers.potentiallyKnown()) if (node !== except) this.#effects.send(node, message)
  }
}

/**
 * The table of connections by peer name, and the decisions on it: may we dial, what does an incoming peer hear
 * (protocol: simultaneous connects, status messages). Pure: it holds what it is given and performs nothing.
 *
 *   (none) --dial--> dialing --up--> up          a peer's name arriving meanwhile is decided by `decideIncoming`
 *   (none) --incoming--> accepting --up--> up
 *   up --incoming 'alive', peer answers true--> replaced by the new connection
 */

export type IncomingDecision =
  /** No connection: go on. */
  | 'ok'
  /** We were dialing too and our attempt gives way: drop it, go on. */
  | 'ok_simultaneous'
  /** We were dialing too and our attempt wins: the peer gives up this one. */
  | 'nok'
  /** We believe we are connected: the peer must say whether that connection is dead. */
  | 'alive'
  /** Another attempt of the same peer is being negotiated: close this one. */
  | 'busy'

interface Entry<Up> {
  /** Ends our attempt; its handshake loses its socket. Present while we dial. */
  dialing?: () => void
  /** True while an incoming handshake of this peer runs. */
  accepting: boolean
  up?: Up
}

export class ConnectionTable<Up> {
  readonly #self: string
  readonly #entries = new Map<string, Entry<Up>>()

  constructor(self: string) {
    this.#self = self
  }

  get(peer: string): Up | undefined {
    return this.#entries.get(peer)?.up
  }

  *ups(): Generator<Up> {
    for (const { up } of this.#entries.values()) if (up !== undefined) yield up
  }

  /** True while the peer's own attempt is being negotiated. */
  isAccepting(peer: string): boolean {
    return this.#entries.get(peer)?.accepting === true
  }

  /** @param giveWay ends our attempt, when the peer's wins */
  startDialing(peer: string, giveWay: () => void): void {
    this.#entry(peer).dialing = giveWay
  }

  /** Our attempt has ended, one way or the other. */
  stopDialing(peer: string): void {
    const entry = this.#entries.get(peer)
    if (entry !== undefined) {
      delete entry.dialing
      this.#forgetIfIdle(peer, entry)
    }
  }

  /** What a peer that introduces itself hears; `ok`, `ok_simultaneous` and `alive` reserve the place. */
  decideIncoming(peer: string): IncomingDecision {
    const entry = this.#entry(peer)
    if (entry.accepting) return 'busy'
    if (entry.up !== undefined) {
      entry.accepting = true
      return 'alive'
    }
    const dialing = entry.dialing
    // Both sides dial: the attempt of the greater name wins. Atoms compare by their bytes and names are ASCII, so
    // string order is atom order.
    if (dialing !== undefined && this.#self > peer) return 'nok'
    entry.accepting = true
    if (dialing === undefined) return 'ok'
    delete entry.dialing
    dialing()
    return 'ok_simultaneous'
  }

  /** The peer's attempt has ended, one way or the other. */
  stopAccepting(peer: string): void {
    const entry = this.#entries.get(peer)
    if (entry !== undefined) {
      entry.accepting = false
      this.#forgetIfIdle(peer, entry)
    }
  }

  /** Puts the connection in place and gives back the one that it replaces. Attempts under way are ended by their owners. */
  setUp(peer: string, up: Up): Up | undefined {
    const entry = this.#entry(peer)
    const replaced = entry.up
    entry.up = up
    return replaced
  }

  /** Takes the connection out, unless it was replaced meanwhile; false then. */
  setDown(peer: string, up: Up): boolean {
    const entry = this.#entries.get(peer)
    if (entry === undefined || entry.up !== up) return false
    delete entry.up
    this.#forgetIfIdle(peer, entry)
    return true
  }

  #entry(peer: string): Entry<Up> {
    let entry = this.#entries.get(peer)
    if (entry === undefined) {
      entry = { accepting: false }
      this.#entries.set(peer, entry)
    }
    return entry
  }

  #forgetIfIdle(peer: string, entry: Entry<Up>): void {
    if (!entry.accepting && entry.dialing === undefined && entry.up === undefined) this.#entries.delete(peer)
  }
}

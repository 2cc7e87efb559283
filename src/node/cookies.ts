/** Which cookie goes with which peer: the node's own, or one for that peer alone. Mirrors `erlang:set_cookie/1,2`. */
import { checkCookie } from './cookie.ts'
import { parseNodeName } from './node-name.ts'

export class Cookies {
  /** Private, so that nothing that holds this can show them. */
  #own: string
  readonly #peers = new Map<string, string>()

  /** @throws OptionError for what can be no cookie, and for a peer that is no node name. */
  constructor(own: string, peers: Readonly<Record<string, string>> = {}) {
    this.#own = checkCookie(own)
    for (const [peer, cookie] of Object.entries(peers)) this.set(peer, cookie)
  }

  /** Both sides prove this one, whoever dials. */
  of(peer: string): string {
    return this.#peers.get(peer) ?? this.#own
  }

  /** For connections from now on. @throws OptionError as the constructor does. */
  set(peer: string, cookie: string): void {
    this.#peers.set(parseNodeName(peer).full, checkCookie(cookie))
  }

  /** As `set`, for every peer that has none of its own. */
  setOwn(cookie: string): void {
    this.#own = checkCookie(cookie)
  }
}

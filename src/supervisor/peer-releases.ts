/**
 * How the Elixir members hash atom keys (see `AtomKeys`): their OTP release decides, and it is asked by rpc, since
 * nothing in the handshake tells it.
 */
import { type Atom, atom, type Term } from '../etf/index.ts'
import type { AtomKeys } from './hash-ring.ts'
import type { RemoteCalls } from './host.ts'

const ERLANG = atom('erlang')
const OTP_RELEASE = atom('otp_release')
const MACHINE = atom('machine')
const BEAM = 'BEAM'

/** The first release whose `term_to_binary` writes atoms in UTF-8. */
const FIRST_UTF8_RELEASE = 26
const ASK_TIMEOUT_MS = 2_000

export class PeerReleases {
  readonly #rpc: RemoteCalls
  readonly #releases = new Map<Atom, number>()

  constructor(rpc: RemoteCalls) {
    this.#rpc = rpc
  }

  /** `latin1` when all members whose release is known are older than OTP 26; a mixed cluster agrees on nothing anyway. */
  get atomKeys(): AtomKeys {
    const releases = [...this.#releases.values()]
    return releases.length > 0 && releases.every((release) => release < FIRST_UTF8_RELEASE)
      ? 'latin1'
      : 'utf8'
  }

  /** Asks a node; one that does not answer, or is no BEAM, stays unknown. Never rejects. */
  async learn(node: Atom): Promise<void> {
    try {
      const ask = (item: Atom): Promise<Term> =>
        this.#rpc.call(node, ERLANG, 'system_info', [item], { timeout: ASK_TIMEOUT_MS })
      const [machine, answer] = await Promise.all([ask(MACHINE), ask(OTP_RELEASE)])
      const release = Number.parseInt(charlist(answer), 10)
      // A node of ours names a release too, and hashes as the BEAM nodes do.
      if (charlist(machine) === BEAM && release > 0) this.#releases.set(node, release)
    } catch {
      // A node that serves no rpc is none whose keys we have to follow.
    }
  }

  forget(node: Atom): void {
    this.#releases.delete(node)
  }
}

function charlist(term: Term): string {
  return Array.isArray(term) ? String.fromCharCode(...term.map(Number)) : String(term)
}

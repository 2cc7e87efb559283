/** Nodes that can reach each other, and what is expected of the children among them. */

/** `alive`: it runs. `dead`: it does not. `either`: trouble came at the wrong moment for anybody to say. */
export type Fate = 'alive' | 'dead' | 'either'

export class Component {
  readonly hosts = new Set<string>()
  readonly fates = new Map<string, Fate>()
  /** When the last thing happened to it. */
  troubledAt: number
  /** When a link or a node last came: what the nodes tell each other then is under way for a while. */
  linkedAt: number

  constructor(hosts: Iterable<string>, now: number) {
    for (const host of hosts) this.hosts.add(host)
    this.troubledAt = now
    this.linkedAt = now
  }

  /** Something happened to it. */
  touch(now: number): void {
    this.troubledAt = now
  }

  link(now: number): void {
    this.touch(now)
    this.linkedAt = now
  }

  /** Takes some hosts out into a component of their own, which expects what this one does. */
  split(hosts: readonly string[], now: number): Component {
    const other = new Component(hosts, now)
    for (const host of hosts) this.hosts.delete(host)
    for (const [key, fate] of this.fates) other.fates.set(key, fate)
    other.linkedAt = this.linkedAt
    this.touch(now)
    return other
  }

  /** What lives in one of two lives in both together; only what is dead in both stays dead. */
  merge(other: Component, now: number): void {
    for (const key of new Set([...this.fates.keys(), ...other.fates.keys()])) {
      const fates = [this.fates.get(key) ?? 'dead', other.fates.get(key) ?? 'dead']
      this.fates.set(key, fates.includes('alive') ? 'alive' : fates.includes('either') ? 'either' : 'dead')
    }
    for (const host of other.hosts) this.hosts.add(host)
    this.link(now)
  }

  doubt(key: string): void {
    this.fates.set(key, 'either')
  }
}

/** What follows from trouble for the children: which must come back, and of which nobody can say. */
import type { Component, Fate } from './component.ts'
import type { Place } from './life-book.ts'
import { ELIXIR_MODULE } from './supervision.ts'
import type { World } from './world.ts'

/** Until everybody has heard of a start or an end. */
const NEWS_MS = 1_000
/** Until the other nodes have asked a node of the hex package how its new child is started. */
const ASKING_MS = 2_500

/** Something happened to a child on these hosts: should they be lost soon, nobody can say who knows of it. */
export function tellNews(world: World, key: string, hosts: readonly string[]): void {
  world.news.set(key, { until: world.now + NEWS_MS, hosts })
}

/** Children on hosts that are gone come back where somebody can run them and knows how. */
export function loseChildren(
  world: World,
  component: Component,
  isLost: (host: string) => boolean,
  without: readonly string[],
): void {
  doubtUnknown(world, component, isLost)
  for (const [key, fate] of component.fates) {
    if (fate !== 'alive') continue
    const child = world.children.get(key)!
    const isHere = world.book
      .of(key)
      .some(({ place: { host } }) => component.hosts.has(host) && !isLost(host))
    const comesBack = child.restart !== 'temporary' && world.canRestart(component, child, without)
    if (!isHere && !comesBack) component.doubt(key)
  }
}

/** What started or ended a moment ago on these hosts, or what they tell nodes that they met a moment ago, is not known to all. */
export function doubtUnknown(world: World, component: Component, isLost: (host: string) => boolean): void {
  for (const [key, fate] of component.fates) {
    const news = world.news.get(key)
    const isNew = news !== undefined && news.until > world.now && news.hosts.some(isLost)
    if (isNew || (fate === 'alive' && isUntold(world, component, key, isLost))) component.doubt(key)
  }
}

function isUntold(
  world: World,
  component: Component,
  key: string,
  isLost: (host: string) => boolean,
): boolean {
  const { module } = world.children.get(key)!
  const told = module === ELIXIR_MODULE ? ASKING_MS : NEWS_MS
  const lost = world.book.of(key).filter(({ place }) => isLost(place.host))
  if (lost.length === 0) return false
  return (
    world.now - component.linkedAt < told ||
    // Whoever was cut off from its node before has left it to others, who may be gone as well by now.
    lost.some(({ place }) => world.isCutOff(place.host)) ||
    (module === ELIXIR_MODULE && lost.some(({ since }) => world.now - since < told))
  )
}

/** The hosts on which a child runs. */
export function hostsOf(world: World, key: string): string[] {
  return world.book.of(key).map(({ place }) => place.host)
}

/** Children on a host get another fate than before. */
export function setFatesOn(world: World, component: Component, place: Place, fate: Fate): void {
  for (const key of world.book.keys()) {
    if (!world.book.of(key).some((life) => life.place === place)) continue
    component.fates.set(key, fate)
    tellNews(world, key, [place.host])
  }
}

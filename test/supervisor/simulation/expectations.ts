/** What follows from trouble for the children: which must come back, and of which nobody can say. */
import type { Component } from './component.ts'
import type { Life, Place } from './life-book.ts'
import { ELIXIR_MODULE } from './supervision.ts'
import type { World } from './world.ts'

/** Until everybody has heard of a start or an end. */
export const NEWS_MS = 1_000
/** Until the other nodes have asked an Elixir node how its new child is started. */
const ASKING_MS = 2_500

/** Children on nodes that are gone come back where somebody can run them and knows how. */
export function loseChildren(
  world: World,
  component: Component,
  isLost: (life: Life) => boolean,
  without: readonly string[],
): void {
  doubtUnknown(world, component, isLost)
  for (const [key, fate] of component.fates) {
    if (fate !== 'alive') continue
    const child = world.children.get(key)!
    const isHere = world.book.of(key).some((life) => component.hosts.has(life.place.host) && !isLost(life))
    // Nodes of the hex package alone do not cope with the loss of several at once.
    const isSeenTo = world
      .membersOf(component)
      .some(({ isHex, place }) => !isHex && !without.includes(place.host))
    const comesBack = isSeenTo && child.restart !== 'temporary' && world.canRun(component, child, without)
    if (!isHere && !comesBack) component.doubt(key)
  }
}

/** What started or ended a moment ago on these nodes, or what they tell nodes that they met a moment ago, is not known to all. */
export function doubtUnknown(world: World, component: Component, isLost: (life: Life) => boolean): void {
  for (const [key, fate] of component.fates) {
    const isNew = (world.newUntil.get(key) ?? 0) > world.now
    if (isNew) component.doubt(key)
    if (isNew || fate !== 'alive') continue
    const isElixir = world.children.get(key)!.module === ELIXIR_MODULE
    const lost = world.book.of(key).filter(isLost)
    const told = isElixir ? ASKING_MS : NEWS_MS
    const isUntold =
      lost.length > 0 &&
      (world.now - component.linkedAt < told ||
        // Whoever was cut off from its node before has left it to others, who may be gone as well by now.
        lost.some(({ place }) => world.isCutOff(place.host)) ||
        (isElixir && lost.some(({ since }) => world.now - since < told)))
    if (isUntold) component.doubt(key)
  }
}

export function doubtChildrenOn(world: World, component: Component, place: Place): void {
  for (const key of world.book.keys()) {
    if (world.book.of(key).some((life) => life.place === place)) component.doubt(key)
  }
}

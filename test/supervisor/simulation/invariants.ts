/** What must hold: at any time, and when a part of the cluster has been left alone. */
import { inspect } from '../../../src/etf/index.ts'
import type { Component } from './component.ts'
import type { Life } from './life-book.ts'
import { TWICE_MS, type World } from './world.ts'

/** @returns what is wrong at any moment: somebody lives twice for too long, or got what it must not get */
export function checkAlways(world: World): string | undefined {
  const lives = world.book.overlapsFor(TWICE_MS, (life) => !world.isNameless(life))
  if (lives !== undefined && isForOneToEnd(world, lives)) {
    const [one, other] = lives
    return `${one.key} lives on ${one.place.host} and on ${other.place.host}`
  }
  return undefined
}

/** Nobody ends one of two children with the same name on nodes of the hex package, unless one of ours sees both. */
function isForOneToEnd(world: World, lives: readonly [Life, Life]): boolean {
  const [one, other] = lives.map(({ place }) => world.members.get(place.host))
  if (one?.isHex !== true || other?.isHex !== true) return true
  const component = world.componentOf(one.place.host)!
  const hasMet = world.now - component.linkedAt > TWICE_MS
  return hasMet && world.membersOf(component).some(({ isHex }) => !isHex)
}

/** @returns what is wrong in a component that is calm: views differ, or a child that should live does not */
export async function checkCalm(world: World, component: Component): Promise<string | undefined> {
  const members = world.membersOf(component)
  if (members.every(({ isHex }) => isHex)) {
    // Nodes of the hex package alone leave names with two owners as they are, and lose some: nothing is promised of them.
    for (const key of world.children.keys()) component.doubt(key)
    return undefined
  }
  const seen = await Promise.all(
    members.map(async (member) =>
      [...(await member.children())]
        .map(([name, pid]) => `${inspect(name)} on ${pid.node} ${pid.key}`)
        .sort(),
    ),
  )
  const [first = []] = seen
  for (const [index, view] of seen.entries()) {
    if (view.join() !== first.join()) {
      return `${members[index]!.node.name} sees ${difference(view, first)} other than ${members[0]!.node.name}`
    }
  }
  const all = world.livesIn(component)
  const here = all.filter((life) => !world.isNameless(life))
  const living = here.map(({ key, pid }) => `${key} on ${pid.node} ${pid.key}`).sort()
  if (living.join() !== first.join())
    return `alive but not named, or the reverse: ${difference(living, first)}`
  const supervised = members.flatMap((member) => member.localChildren().map(({ key }) => key)).sort()
  const pids = all.map(({ pid }) => pid.key).sort()
  if (supervised.join() !== pids.join()) return `supervised, or alive: ${difference(supervised, pids)}`
  const nameless = all.filter((life) => world.isNameless(life)).map(({ key }) => key)
  return checkFates(world, component, new Set(here.map(({ key }) => key)), nameless)
}

function checkFates(
  world: World,
  component: Component,
  living: ReadonlySet<string>,
  nameless: readonly string[],
): string | undefined {
  for (const key of nameless) component.doubt(key)
  for (const [key, fate] of component.fates) {
    if (fate === 'alive' && !living.has(key)) return `${describe(world, key)} should live and does not`
    if (fate === 'dead' && living.has(key)) return `${describe(world, key)} was ended and lives`
  }
  // What has survived without anybody's promise has to live on; what has not may come back
  // only while a start of it is under way, or with a node that runs it.
  for (const [key, child] of world.children) {
    const mayCome = world.starting.has(key) || !world.canRun(component, child)
    const isAwaited = component.fates.get(key) === 'either' && mayCome
    component.fates.set(key, living.has(key) ? 'alive' : isAwaited ? 'either' : 'dead')
  }
  for (const key of nameless) component.doubt(key)
  for (const { place, complaint } of world.membersOf(component)) {
    if (complaint() !== undefined) return `${place.host}: ${complaint()}`
  }
  return world.book.complaints[0]
}

function describe(world: World, key: string): string {
  const { module, restart } = world.children.get(key)!
  return `${key} (${module}, ${restart})`
}

function difference(one: readonly string[], other: readonly string[]): string {
  const only = (a: readonly string[], b: readonly string[]): string[] => a.filter((item) => !b.includes(item))
  return [...only(one, other).map((item) => `+${item}`), ...only(other, one).map((item) => `-${item}`)].join(
    ' ',
  )
}

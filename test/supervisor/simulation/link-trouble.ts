/** What happens to links: the cluster falls apart and together again, and two nodes lose each other. */
import type { Component } from './component.ts'
import { doubtUnknown, loseChildren } from './expectations.ts'
import type { World } from './world.ts'

export async function split(world: World): Promise<void> {
  const component = world.pickComponent()
  if (component.hosts.size < 2) return
  const hosts = [...component.hosts]
  const part = world.random.sample(hosts, 1 + world.random.below(hosts.length - 1))
  const rest = hosts.filter((host) => !part.includes(host))
  world.note(`split ${part.join(' ')} from ${rest.join(' ')}`)
  const isIn = (group: readonly string[]) => (host: string) => group.includes(host)
  const other = component.split(part, world.now)
  world.components.push(other)
  loseChildren(world, component, isIn(part), [])
  loseChildren(world, other, isIn(rest), [])
  await world.cut(part.flatMap((one) => rest.map((two) => [one, two] as const)))
  component.touch(world.now)
  other.touch(world.now)
}

export async function merge(world: World): Promise<void> {
  if (world.components.length < 2) return
  const [one, other] = world.random.sample(world.components, 2) as [Component, Component]
  world.note(`merge ${[...one.hosts].join(' ')} with ${[...other.hosts].join(' ')}`)
  const links = [...one.hosts].flatMap((a) => [...other.hosts].map((b) => [a, b] as const))
  one.merge(other, world.now)
  world.components.splice(world.components.indexOf(other), 1)
  await world.connect(links)
  one.link(world.now)
}

/** Two nodes lose each other, and both keep the others. */
export async function cutPair(world: World): Promise<void> {
  const component = world.pickComponent()
  const [one, other] = world.random.sample([...component.hosts], 2)
  if (one === undefined || other === undefined || world.isCut(one, other)) return
  world.note(`cut ${one} from ${other}`)
  world.cutPairs.add(`${one} ${other}`)
  doubtUnknown(world, component, (host) => host === one || host === other)
  component.touch(world.now)
  await world.cut([[one, other]])
  component.touch(world.now)
}

export async function healPair(world: World): Promise<void> {
  const pairs = [...world.cutPairs]
  if (pairs.length === 0) return
  const pair = world.random.pick(pairs)
  world.cutPairs.delete(pair)
  const [one, other] = pair.split(' ') as [string, string]
  const component = world.componentOf(one)
  if (component === undefined || !component.hosts.has(other)) return
  world.note(`heal ${one} and ${other}`)
  component.touch(world.now)
  await world.connect([[one, other]])
  component.link(world.now)
}

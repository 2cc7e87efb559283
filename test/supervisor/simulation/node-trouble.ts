/** What happens to nodes: they are killed, leave in order, hand over their children, and join. */
import type { Component } from './component.ts'
import { loseChildren, setFatesOn } from './expectations.ts'
import type { Place } from './life-book.ts'
import type { World } from './world.ts'

const FEWEST_NODES = 7

export async function kill(world: World): Promise<void> {
  if (world.members.size <= FEWEST_NODES) return
  const component = world.pickComponent()
  const { place, node } = world.random.pick(world.membersOf(component))
  world.note(`kill ${place.host}`)
  loseChildren(world, component, (host) => host === place.host, [place.host])
  world.remove(component, place)
  await world.cluster.kill(node)
  component.touch(world.now)
}

export async function leave(world: World): Promise<void> {
  if (world.members.size <= FEWEST_NODES) return
  const component = world.pickComponent()
  const member = world.random.pick(world.membersOf(component))
  const { place, node } = member
  world.note(`leave ${place.host}`)
  const isCalm = world.isCalm(component)
  component.touch(world.now)
  // Whoever leaves takes its children along.
  setFatesOn(world, component, place, isCalm ? 'dead' : 'either')
  await world.during(member.leave())
  setFatesOn(world, component, place, 'either')
  for (const [key, fate] of component.fates) {
    const child = world.children.get(key)!
    if (fate === 'alive' && !world.canRun(component, child, [place.host])) component.doubt(key)
  }
  world.remove(component, place)
  await world.cluster.leave(node)
  component.touch(world.now)
}

/** A node of ours leaves, and its children go on elsewhere, also when it is killed before it is through. */
export async function drain(world: World, isKilled = false): Promise<void> {
  if (world.members.size <= FEWEST_NODES) return
  const component = world.pickComponent()
  const member = world.random.pick(world.membersOf(component))
  if (member.drain === undefined) return
  const { place, node } = member
  world.note(`drain ${place.host}`)
  component.touch(world.now)
  loseChildren(world, component, (host) => host === place.host, [place.host])
  const draining = member.drain()
  if (isKilled) {
    draining.catch(() => {})
    await world.elapse(world.random.below(300))
    world.note(`kill ${place.host}`)
  } else {
    await world.during(draining)
    world.note(`drained ${place.host}`)
  }
  world.remove(component, place)
  await (isKilled ? world.cluster.kill(node) : world.cluster.leave(node))
  component.touch(world.now)
}

export function killInDrain(world: World): Promise<void> {
  return drain(world, true)
}

export async function joinAnother(world: World): Promise<void> {
  const away = world.hosts.filter((host) => !world.members.has(host))
  if (away.length === 0) return
  const host = world.random.pick(away)
  const component = world.pickComponent()
  world.note(`join ${host} with ${[...component.hosts][0]}`)
  await join(world, host, component)
}

export async function join(world: World, host: string, component: Component): Promise<void> {
  const { cluster, members } = world
  const place: Place = { host, node: undefined, isUp: true }
  component.touch(world.now)
  const node = await cluster.add(host, { alone: true })
  place.node = node
  for (const other of members.keys()) if (!component.hosts.has(other)) world.block(host, other)
  const isEarly = world.random.below(2) === 0
  const supervise = () => world.during(world.startMember(node, place))
  const early = isEarly ? await supervise() : undefined
  await world.connect([...component.hosts].map((other) => [host, other] as const))
  members.set(host, early ?? (await supervise()))
  component.hosts.add(host)
  component.link(world.now)
}

/** What happens to children: they are started, by one or by several at once, ended, and crash. */
import { atom, inspect, type Term, tuple } from '../../../src/etf/index.ts'
import type { Restart } from '../../../src/supervisor/index.ts'
import type { Component } from './component.ts'
import { hostsOf, setFatesOn, tellNews } from './expectations.ts'
import { type ChildToStart, ELIXIR_MODULE } from './supervision.ts'
import type { World } from './world.ts'

const MODULES = ['Counter', 'Painter', ELIXIR_MODULE]
const MOST_CHILDREN = 60

export async function start(world: World, times = 1): Promise<void> {
  const { random } = world
  const component = world.pickComponent()
  const callers = random.sample(world.membersOf(component), times)
  const child = childToStart(world, component)
  const isCalm = world.isCalm(component)
  const fate = component.fates.get(child.key)
  // It may live though nobody promised that.
  const lives = world.livesIn(component).some(({ key }) => key === child.key)
  component.touch(world.now)
  const at = callers.map(({ place }) => place.host).join(' and ')
  const what = `start ${child.key} (${child.module}, ${child.restart}) at ${at}`
  const starting = Promise.all(callers.map((caller) => caller.start(child)))
  if (times === 1 && random.below(4) === 0) {
    world.note(`${what}, not awaited`)
    component.doubt(child.key)
    world.starting.add(child.key)
    void starting.finally(() => world.starting.delete(child.key))
    return
  }
  const outcomes = await world.during(starting)
  world.note(`${what}: ${outcomes.join(', ')}`)
  component.touch(world.now)
  if (outcomes.includes('ok')) {
    component.fates.set(child.key, 'alive')
    tellNews(world, child.key, hostsOf(world, child.key))
    return
  }
  const mustWork = isCalm && callers.some((caller) => world.finds(component, caller, child))
  if (mustWork && fate !== 'alive' && !lives) {
    world.wrong = `${child.key} did not start: ${outcomes.join(', ')}`
  }
  if (fate !== 'alive') component.doubt(child.key)
}

/** Three nodes start the same name at once. */
export function race(world: World): Promise<void> {
  return start(world, 3)
}

function childToStart({ children, random, round }: World, component: Component): ChildToStart {
  const isFull = [...component.fates.values()].filter((fate) => fate === 'alive').length >= MOST_CHILDREN
  const ended = [...component.fates].filter(([, fate]) => fate === 'dead').map(([key]) => key)
  const again = isFull || random.below(3) === 0 ? random.pick([...children.keys()]) : undefined
  const old = random.below(2) === 0 && ended.length > 0 ? random.pick(ended) : again
  if (old !== undefined) return children.get(old)!
  const name = random.pick<Term>([
    `child ${round}`,
    atom(`child_${round}`),
    tuple(atom('child'), round) as Term,
    round,
  ])
  const module = random.pick(MODULES)
  const restart = random.pick<Restart>(['permanent', 'permanent', 'permanent', 'transient', 'temporary'])
  const child = { key: inspect(name), name, module, restart }
  children.set(child.key, child)
  return child
}

export async function terminate(world: World): Promise<void> {
  const component = world.pickComponent()
  const member = world.random.pick(world.membersOf(component))
  const children = [...(await member.children())]
  if (children.length === 0) return
  const [name, pid] = world.random.pick(children)
  const key = inspect(name)
  const isCalm = world.isCalm(component)
  const life = world.book.of(key).find((one) => one.pid.equals(pid))
  component.touch(world.now)
  const isEnded = await world.during(member.terminate(pid))
  world.note(`terminate ${key} on ${pid.node} at ${member.place.host}: ${isEnded ? 'ok' : 'not found'}`)
  component.touch(world.now)
  component.fates.set(key, isEnded && isCalm ? 'dead' : 'either')
  tellNews(world, key, [life?.place.host ?? member.place.host])
  if (isCalm && !isEnded) world.wrong = `${key} could not be terminated`
}

export function crash(world: World): void {
  const component = world.pickComponent()
  const life = world.pickLife(component)
  if (life === undefined) return
  world.note(`crash ${life.key} on ${life.place.host}`)
  if (world.children.get(life.key)!.restart === 'temporary') {
    component.fates.set(life.key, world.isCalm(component) ? 'dead' : 'either')
    tellNews(world, life.key, [life.place.host])
  }
  component.touch(world.now)
  life.place.node!.exit(life.pid, atom('kill'))
}

export async function crashLoop(world: World): Promise<void> {
  const { book } = world
  const component = world.pickComponent()
  const life = world.pickLife(component)
  if (life === undefined) return
  world.note(`crash loop of ${life.key} on ${life.place.host}`)
  const isCalm = world.isCalm(component)
  component.touch(world.now)
  const failing = { hosts: component.hosts, failures: 0 }
  book.failing.set(life.key, failing)
  // Its supervisor gives up, and with it go all children of the node.
  setFatesOn(world, component, life.place, isCalm ? 'dead' : 'either')
  life.place.node!.exit(life.pid, atom('kill'))
  await world.elapse(500 + world.random.below(1_000))
  setFatesOn(world, component, life.place, 'either')
  book.failing.delete(life.key)
  component.touch(world.now)
  if (failing.failures > 110) world.wrong = `${life.key} was tried ${failing.failures} times in a crash loop`
}

/** The table of names and the numbers of their incarnations. */
import { test } from 'tap'
import type { EpmdEntry } from '../../src/epmd/protocol.ts'
import { NameRegistry } from '../../src/epmd/registry.ts'

const NOW = 1_700_000_000

function entry(name: string, port = 4000): EpmdEntry {
  return {
    name,
    port,
    nodeType: 77,
    protocol: 0,
    highestVersion: 6,
    lowestVersion: 6,
    extra: new Uint8Array(0),
  }
}

test('a new name starts at the time plus one', (t) => {
  const registry = new NameRegistry()
  t.equal(registry.register(entry('a'), NOW + 0.9)?.creation, NOW + 1)
  t.end()
})

test('a name that comes back has the next creation, whatever the time', (t) => {
  const registry = new NameRegistry()
  for (const offset of [1, 2, 3]) {
    const registration = registry.register(entry('a'), NOW)!
    t.equal(registration.creation, NOW + offset)
    registry.unregister(registration)
  }
  t.end()
})

test('creations wrap around and skip the numbers below four', (t) => {
  const registry = new NameRegistry()
  const last = registry.register(entry('a'), 2 ** 32 - 2)!
  t.equal(last.creation, 2 ** 32 - 1)
  registry.unregister(last)
  t.equal(registry.register(entry('a'), NOW)?.creation, 4)
  t.end()
})

test('a taken name is refused until its registration ends', (t) => {
  const registry = new NameRegistry()
  const first = registry.register(entry('a', 1), NOW)!
  t.equal(registry.register(entry('a', 2), NOW), undefined)
  t.equal(registry.lookup('a')?.entry.port, 1)
  registry.unregister(first)
  t.equal(registry.lookup('a'), undefined)
  t.equal(registry.register(entry('a', 2), NOW)?.entry.port, 2)
  t.end()
})

test('a registration that has ended cannot end its successor', (t) => {
  const registry = new NameRegistry()
  const first = registry.register(entry('a'), NOW)!
  registry.unregister(first)
  registry.register(entry('a'), NOW)
  registry.unregister(first)
  t.ok(registry.lookup('a'))
  t.end()
})

test('active names are listed most recent first, remembered ones oldest first', (t) => {
  const registry = new NameRegistry()
  const [a, b, c] = ['a', 'b', 'c'].map((name) => registry.register(entry(name), NOW)!)
  const names = (list: readonly { entry: EpmdEntry }[]) => list.map((registration) => registration.entry.name)
  t.same(names(registry.active()), ['c', 'b', 'a'])
  registry.unregister(b!)
  registry.unregister(a!)
  t.same(names(registry.active()), ['c'])
  t.same(names(registry.old()), ['b', 'a'])
  registry.unregister(c!)
  registry.register(entry('b'), NOW)
  t.same(names(registry.old()), ['a', 'c'])
  t.end()
})

test('the memory of old names is bounded, and the oldest is forgotten first', (t) => {
  const registry = new NameRegistry(2)
  for (const name of ['a', 'b', 'c']) registry.unregister(registry.register(entry(name), NOW)!)
  t.same(
    registry.old().map((registration) => registration.entry.name),
    ['b', 'c'],
  )
  t.equal(registry.register(entry('a'), NOW + 50)?.creation, NOW + 51, 'forgotten: starts again')
  t.equal(registry.register(entry('c'), NOW + 50)?.creation, NOW + 2, 'remembered: goes on')
  t.end()
})

/** Every state of the table against every event, for a peer whose name is the greater one and for one whose is not. */
import { test } from 'tap'
import { ConnectionTable, type IncomingDecision } from '../../src/node/connections.ts'

const SELF = 'm@host'
const LESS = 'a@host'
const GREATER = 'z@host'

interface Case {
  readonly table: ConnectionTable<string>
  readonly peer: string
  /** How often our own attempt was told to give way. */
  gaveWay: number
}

type State = 'none' | 'dialing' | 'accepting' | 'gave way' | 'up' | 'up, replacing' | 'up, still dialing'

function inState(state: State, peer: string): Case {
  const table = new ConnectionTable<string>(SELF)
  const made: Case = { table, peer, gaveWay: 0 }
  const dial = (): void => table.startDialing(peer, () => made.gaveWay++)
  switch (state) {
    case 'none':
      break
    case 'dialing':
      dial()
      break
    case 'accepting':
      table.decideIncoming(peer)
      break
    case 'gave way':
      dial()
      table.decideIncoming(peer)
      made.gaveWay = 0
      break
    case 'up':
      table.setUp(peer, 'old')
      break
    case 'up, replacing':
      table.setUp(peer, 'old')
      table.decideIncoming(peer)
      break
    case 'up, still dialing':
      dial()
      table.setUp(peer, 'old')
      break
    default:
      state satisfies never
  }
  return made
}

const STATES: readonly State[] = ['none', 'dialing', 'accepting', 'up', 'up, replacing', 'up, still dialing']

test('what an incoming peer hears', async (t) => {
  const expected: Record<State, { less: IncomingDecision; greater: IncomingDecision }> = {
    none: { less: 'ok', greater: 'ok' },
    dialing: { less: 'nok', greater: 'ok_simultaneous' },
    accepting: { less: 'busy', greater: 'busy' },
    // A peer of a lesser name made nothing give way; the attempt goes on.
    'gave way': { less: 'nok', greater: 'busy' },
    up: { less: 'alive', greater: 'alive' },
    'up, replacing': { less: 'busy', greater: 'busy' },
    'up, still dialing': { less: 'alive', greater: 'alive' },
  }
  for (const state of Object.keys(expected) as State[]) {
    t.equal(inState(state, LESS).table.decideIncoming(LESS), expected[state].less, `${state}, lesser name`)
    t.equal(
      inState(state, GREATER).table.decideIncoming(GREATER),
      expected[state].greater,
      `${state}, greater`,
    )
  }
})

test('our attempt is told to give way only to a peer of a greater name', async (t) => {
  for (const state of STATES) {
    for (const peer of [LESS, GREATER]) {
      const made = inState(state, peer)
      made.table.decideIncoming(peer)
      t.equal(made.gaveWay, state === 'dialing' && peer === GREATER ? 1 : 0, `${state}, ${peer}`)
    }
  }
})

test('names are compared as atoms are: byte by byte', async (t) => {
  const table = new ConnectionTable<string>('b@host')
  for (const [peer, decision] of [
    ['B@host', 'nok'],
    ['ba@host', 'ok_simultaneous'],
    ['a~@host', 'nok'],
    ['b@hosts', 'ok_simultaneous'],
    ['b-@host', 'nok'],
  ] as const) {
    table.startDialing(peer, () => {})
    t.equal(table.decideIncoming(peer), decision, peer)
  }
})

test('a refused peer reserves nothing', async (t) => {
  const { table } = inState('dialing', LESS)
  t.equal(table.decideIncoming(LESS), 'nok')
  t.notOk(table.isAccepting(LESS))
  table.stopDialing(LESS)
  t.equal(table.decideIncoming(LESS), 'ok')
})

test('the place of a failed handshake is free again', async (t) => {
  for (const peer of [LESS, GREATER]) {
    const { table } = inState('accepting', peer)
    t.ok(table.isAccepting(peer))
    table.stopAccepting(peer)
    t.notOk(table.isAccepting(peer))
    t.equal(table.decideIncoming(peer), 'ok', peer)
  }
})

test('a replacement that fails leaves the connection in place', async (t) => {
  const { table } = inState('up, replacing', LESS)
  table.stopAccepting(LESS)
  t.equal(table.get(LESS), 'old')
  t.equal(table.decideIncoming(LESS), 'alive')
})

test('setting up gives back what is replaced', async (t) => {
  for (const state of STATES) {
    for (const peer of [LESS, GREATER]) {
      const { table } = inState(state, peer)
      t.equal(table.setUp(peer, 'new'), state.startsWith('up') ? 'old' : undefined, state)
      t.equal(table.get(peer), 'new')
      t.same([...table.ups()], ['new'])
    }
  }
})

test('only the connection that is in place goes down', async (t) => {
  for (const state of STATES) {
    const { table } = inState(state, LESS)
    t.equal(table.setDown(LESS, 'stranger'), false, state)
    t.equal(table.setDown(LESS, 'old'), state.startsWith('up'), state)
    t.equal(table.get(LESS), undefined)
  }
  const { table } = inState('up, replacing', LESS)
  table.setUp(LESS, 'new')
  t.equal(table.setDown(LESS, 'old'), false, 'a replaced connection that ends changes nothing')
  t.equal(table.get(LESS), 'new')
})

test('a connection that goes down keeps the attempts that are under way', async (t) => {
  const replacing = inState('up, replacing', LESS).table
  replacing.setDown(LESS, 'old')
  t.equal(replacing.decideIncoming(LESS), 'busy')
  const dialing = inState('up, still dialing', LESS).table
  dialing.setDown(LESS, 'old')
  t.equal(dialing.decideIncoming(LESS), 'nok')
})

test('peers do not get in each other’s way', async (t) => {
  const { table } = inState('dialing', LESS)
  t.equal(table.decideIncoming(GREATER), 'ok')
  table.setUp(GREATER, 'up')
  t.equal(table.get(LESS), undefined)
  t.equal(table.decideIncoming(LESS), 'nok')
})

test('ending what never began is harmless', async (t) => {
  const table = new ConnectionTable<string>(SELF)
  table.stopDialing(LESS)
  table.stopAccepting(LESS)
  t.equal(table.decideIncoming(LESS), 'ok')
})

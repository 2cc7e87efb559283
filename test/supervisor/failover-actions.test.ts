/** What the answers to a request to start a lost child mean. */
import { test } from 'tap'
import { silentLogger } from '../../src/core/index.ts'
import { alias, atom, Pid, type Term, tuple } from '../../src/etf/index.ts'
import type { ChildSpec } from '../../src/supervisor/child-spec.ts'
import { failoverActions } from '../../src/supervisor/failover-actions.ts'
import type { SupervisorHost } from '../../src/supervisor/host.ts'
import { supervisorNames } from '../../src/supervisor/names.ts'
import type { RemoteSupervisors } from '../../src/supervisor/remote-supervisors.ts'

const [HERE, HOME, GONE] = ['here@h', 'home@h', 'gone@h'].map(atom) as [never, never, never]
const spec = { start: { module: alias('M') } } as ChildSpec
const pidOn = (node: never): Pid => new Pid(node, 5, 0, 1)

/** Actions of a node that sees only `home@h`, which answers so. */
function actionsWith(answer: Term, living: readonly Pid[] = []) {
  const host = { name: HERE, logger: silentLogger, nodes: () => [HOME] } as unknown as SupervisorHost
  const remote = {
    start: async () => ({ type: 'answer', answer }),
    isAlive: async (pid: Pid) => living.some((one) => one.equals(pid)),
  } as unknown as RemoteSupervisors
  const none = () => Promise.reject(new Error('not asked'))
  const startHere = async () => answer
  return failoverActions({ host, names: supervisorNames(atom('DS')), remote, startHere, endHere: none })
}

const alreadyStarted = (pid: Pid) => tuple(atom('error'), tuple(atom('already_started'), pid)) as Term

test('a home that has not noticed yet that the owner’s node is gone is asked again', async (t) => {
  t.equal(await actionsWith(alreadyStarted(pidOn(GONE))).startOn(HOME, spec), 'failed')
  // Of a node of that name that is here again.
  t.equal(await actionsWith(alreadyStarted(pidOn(HOME))).startOn(HOME, spec), 'failed')
})

test('a child that lives already is started', async (t) => {
  const living = pidOn(HOME)
  t.equal(await actionsWith(alreadyStarted(living), [living]).startOn(HOME, spec), 'started')
  t.equal(await actionsWith(tuple(atom('ok'), living) as Term).startOn(HOME, spec), 'started')
})

test('other answers are failures, but the will of the child', async (t) => {
  t.equal(await actionsWith(atom('ignore')).startOn(HOME, spec), 'ignored')
  t.equal(await actionsWith(tuple(atom('error'), atom('max_children')) as Term).startOn(HOME, spec), 'failed')
  t.equal(await actionsWith(atom('what')).startOn(HOME, spec), 'failed')
})

test('a lost child that cannot run on this node is not tried here again, so that another node is asked', async (t) => {
  const undef = tuple(atom('error'), tuple(atom('undef'), alias('M'))) as Term
  t.equal(await actionsWith(undef).startHere(spec), 'cannot')
  t.equal(await actionsWith(tuple(atom('error'), atom('max_children')) as Term).startHere(spec), 'failed')
})

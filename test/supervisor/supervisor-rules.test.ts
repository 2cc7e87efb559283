/** The table of what a supervisor does when a child ends; interop/supervisor.test.ts runs it on OTP's supervisors. */
import { test } from 'tap'
import {
  describeRule,
  RULE_REASONS,
  SUPERVISOR_RULES,
  type SupervisorRule,
} from '../../interop/support/supervisor-rules.ts'
import { atom, type Pid } from '../../src/etf/index.ts'
import { defineServer, type Runtime, stop } from '../../src/runtime/index.ts'
import { type ChildSpecInput, Supervisor } from '../../src/supervisor/index.ts'
import { settled, testRuntime } from '../runtime/runtimes.ts'

const Ending = defineServer({
  init: () => null,
  casts: { stop: (state, reason: never) => stop(reason, state) },
})

function children({ restart, significant }: SupervisorRule): ChildSpecInput[] {
  const kinds = { a: 'permanent', b: restart, c: 'transient', d: 'temporary' } as const
  return Object.entries(kinds).map(([id, kind]) => ({
    id,
    start: [Ending],
    restart: kind,
    significant: significant.some((each) => each === id),
  }))
}

async function pidsById(supervisor: Supervisor): Promise<Map<string, Pid | undefined>> {
  const rows = await supervisor.whichChildren()
  return new Map(rows.reverse().map(({ id, pid }) => [id as string, pid as Pid | undefined]))
}

async function outcomeOf(runtime: Runtime, rule: SupervisorRule): Promise<string> {
  const { strategy, autoShutdown, reason } = rule
  const supervisor = await Supervisor.startLink(runtime.client, children(rule), { strategy, autoShutdown })
  const before = await pidsById(supervisor)
  const victim = before.get('b') as Pid
  if (reason === 'killed') runtime.exit(victim, atom('kill'))
  else Ending.ref(runtime, victim).cast.stop(RULE_REASONS[reason] as never)
  await settled()
  if (!runtime.isAlive(supervisor.pid)) return 'shutdown'
  const marks = [...(await pidsById(supervisor))].map(([id, pid]) => {
    if (pid !== undefined && !runtime.isAlive(pid)) return `${id}?`
    return `${id}${pid === undefined ? '-' : pid === before.get(id) ? '=' : '+'}`
  })
  await supervisor.stop()
  return marks.join(' ')
}

for (const rule of SUPERVISOR_RULES) {
  test(describeRule(rule), async (t) => {
    const { runtime } = testRuntime(t)
    t.equal(await outcomeOf(runtime, rule), rule.outcome)
    await settled()
    t.equal(runtime.processes().length, 1, 'nothing is left behind')
  })
}

/**
 * The rules of supervisors as a table: what becomes of a supervisor and its children when one of them ends, by strategy,
 * restart type, exit reason, and significance. The unit tests hold our supervisors against it, the interop tests OTP's
 * as well.
 *
 * Four children start in the order `a` (permanent), `b` (the one that ends), `c` (transient), `d` (temporary). An outcome
 * is `shutdown`, or what became of each: `=` runs on, `+` was started again, `-` does not run, nothing at all: is gone.
 */
import { atom, type Term, tuple } from '../../src/index.ts'

export type RuleStrategy = 'oneForOne' | 'oneForAll' | 'restForOne'
export type RuleRestart = 'permanent' | 'transient' | 'temporary'
export type RuleAutoShutdown = 'never' | 'anySignificant' | 'allSignificant'
export type RuleReason = 'normal' | 'shutdown' | '{shutdown, x}' | 'boom' | 'killed'

export interface SupervisorRule {
  readonly strategy: RuleStrategy
  /** Of `b`. */
  readonly restart: RuleRestart
  /** Why `b` ends. */
  readonly reason: RuleReason
  readonly autoShutdown: RuleAutoShutdown
  /** Which children are significant. */
  readonly significant: readonly ('b' | 'c')[]
  readonly outcome: string
}

/** What `b` stops with; it is killed for `killed`. */
export const RULE_REASONS: Readonly<Record<Exclude<RuleReason, 'killed'>, Term>> = {
  normal: atom('normal'),
  shutdown: atom('shutdown'),
  '{shutdown, x}': tuple(atom('shutdown'), atom('x')) as Term,
  boom: atom('boom'),
}

const REASONS = [...Object.keys(RULE_REASONS), 'killed'] as RuleReason[]
const STRATEGIES: readonly RuleStrategy[] = ['oneForOne', 'oneForAll', 'restForOne']

/** Which exit reasons bring a child of this restart type back. */
const RESTARTED_AFTER: Readonly<Record<RuleRestart, readonly RuleReason[]>> = {
  permanent: ['normal', 'shutdown', '{shutdown, x}', 'boom', 'killed'],
  transient: ['boom', 'killed'],
  temporary: [],
}

const AFTER_RESTART: Readonly<Record<RuleStrategy, string>> = {
  oneForOne: 'a= b+ c= d=',
  oneForAll: 'a+ b+ c+',
  restForOne: 'a= b+ c+',
}

const WITHOUT_RESTART: Readonly<Record<RuleRestart, string>> = {
  permanent: 'never happens',
  transient: 'a= b- c= d=',
  temporary: 'a= c= d=',
}

type Significance = Pick<SupervisorRule, 'autoShutdown' | 'significant'> & { readonly ends: boolean }

/** Whether the supervisor ends with a significant `b` that is not restarted. */
const SIGNIFICANCE: readonly Significance[] = [
  { autoShutdown: 'never', significant: [], ends: false },
  { autoShutdown: 'anySignificant', significant: [], ends: false },
  { autoShutdown: 'allSignificant', significant: [], ends: false },
  { autoShutdown: 'anySignificant', significant: ['b'], ends: true },
  { autoShutdown: 'anySignificant', significant: ['b', 'c'], ends: true },
  { autoShutdown: 'anySignificant', significant: ['c'], ends: false },
  { autoShutdown: 'allSignificant', significant: ['b'], ends: true },
  { autoShutdown: 'allSignificant', significant: ['b', 'c'], ends: false },
]

export const SUPERVISOR_RULES: readonly SupervisorRule[] = STRATEGIES.flatMap((strategy) =>
  (['permanent', 'transient', 'temporary'] as const).flatMap((restart) =>
    SIGNIFICANCE
      // A permanent child cannot be significant.
      .filter(({ significant }) => restart !== 'permanent' || !significant.includes('b'))
      .flatMap(({ autoShutdown, significant, ends }) =>
        REASONS.map((reason) => {
          const restarts = RESTARTED_AFTER[restart].includes(reason)
          const stays = ends ? 'shutdown' : WITHOUT_RESTART[restart]
          const outcome = restarts ? AFTER_RESTART[strategy] : stays
          return { strategy, restart, reason, autoShutdown, significant, outcome }
        }),
      ),
  ),
)

/** What a rule is about, as the name of a test. */
export function describeRule({
  strategy,
  restart,
  reason,
  autoShutdown,
  significant,
}: SupervisorRule): string {
  const what = significant.length === 0 ? '' : `, significant ${significant.join(' and ')}`
  return `${strategy}: a ${restart} child that ends with ${reason}, auto shutdown ${autoShutdown}${what}`
}

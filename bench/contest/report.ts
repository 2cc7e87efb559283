/** The figures as tables: for a terminal, and for a document. Pure. */
import { table } from '../table.ts'
import { type Machine, machineLine } from './machine.ts'
import type { CaseResult, Result } from './results.ts'

const HEAD = ['', 'median', 'spread', 'ratio', 'p50 / p99 / p99.9', 'target'] as const

export function terminalReport(machine: Machine, cases: readonly CaseResult[]): string {
  const rows = cases.flatMap((one) => [
    [`${one.what}, ${one.unit}`, '', '', '', '', ''],
    ...one.results.map((result, at) => {
      const [who, ...cells] = cellsOf(one, result, at)
      return [`  ${who}`, ...cells]
    }),
  ])
  return `${machineLine(machine)}\n\n${table(HEAD, rows)}\n`
}

export function markdownReport(machine: Machine, cases: readonly CaseResult[]): string {
  const rows = cases.flatMap((one) =>
    one.results.map((result, at) => {
      const cells = cellsOf(one, result, at)
      return `| ${[at === 0 ? `${one.what}, ${one.unit}` : '', ...cells].join(' | ')} |`
    }),
  )
  return [
    `${machineLine(machine)}.`,
    '',
    '| | who | median | spread | ratio | p50 / p99 / p99.9 | target |',
    '|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n')
}

/** Who, median, spread, ratio, percentiles, target. */
function cellsOf(one: CaseResult, result: Result, at: number): string[] {
  return [
    result.contestant,
    number(result.median),
    `${(result.spread * 100).toFixed(0)} %`,
    result.ratio === undefined ? '' : `${result.ratio.toFixed(2)}x`,
    result.latency === undefined ? '' : `${result.latency.map(number).join(' / ')} us`,
    at === Math.min(1, one.results.length - 1) ? targetOf(one) : '',
  ]
}

function targetOf({ target, better, unit, met }: CaseResult): string {
  if (target === undefined) return ''
  const bound = better === 'more' ? 'at least' : 'at most'
  const wanted = 'ratio' in target ? `${target.ratio}x` : `${target.value} ${unit}`
  return `${bound} ${wanted}: ${met ? 'met' : 'MISSED'}`
}

function number(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en')
  return value.toPrecision(3)
}

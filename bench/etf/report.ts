/** The results as text: one table for the codecs, one for the variants of this package. */
import { summarize } from '../stats.ts'
import { duration, size, table } from '../table.ts'
import { DOCUMENTS, TITLES } from './documents.ts'
import type { Results } from './results.ts'

const OURS = 'beamjoin'

export function report(results: Results): string {
  const { machine, absent } = results
  const lines = [
    `${machine['cpu']}, ${machine['cores']} cores; Node ${machine['node']}, V8 ${machine['v8']}; ${results.date}`,
    `processor time, median of ${results.rounds} rounds of ${results.msPerMeasurement} ms, +- half the distance of the quartiles;`,
    `x: how many times as long as ${OURS} takes; memory: what a decoded document keeps`,
    '',
    codecTable(results),
    '',
    `The same process of ${OURS}, other options and entries; x: times the default of the same document`,
    variantTable(results),
    '',
  ]
  for (const [name, why] of Object.entries(absent)) lines.push(`${name} took no part: ${why}`)
  return lines.join('\n')
}

function codecTable(results: Results): string {
  const others = Object.keys(results.versions).filter((name) => name !== OURS)
  const rows: string[][] = []
  for (const document of DOCUMENTS) {
    for (const way of ['encode', 'decode'] as const) {
      const ours = timeOf(results, OURS, document, way)!
      rows.push([
        `${TITLES[document]}, ${way}`,
        withSpread(ours),
        ...others.map((name) => {
          const time = timeOf(results, name, document, way)
          return time === undefined ? '-' : `${withSpread(time)} ${ratio(time.median / ours.median)}`
        }),
      ])
    }
    const kept = results.memory[OURS]?.[document] ?? 0
    rows.push([
      `${TITLES[document]}, memory`,
      size(kept),
      ...others.map((name) => {
        const bytes = results.memory[name]?.[document]
        return bytes === undefined ? '-' : `${size(bytes)} ${ratio(bytes / kept)}`
      }),
    ])
  }
  const heads = others.map((name) => `${name} ${results.versions[name]}`.trim())
  return table(['', OURS, ...heads], rows)
}

function variantTable(results: Results): string {
  const rows: string[][] = []
  for (const [name, sizes] of Object.entries(results.sizes)) {
    for (const variant of Object.keys(sizes)) {
      const [document = ''] = variant.split(', ')
      if (document === variant) continue
      const cells = (['encode', 'decode'] as const).map((way) => {
        const time = timeOf(results, name, variant, way)!
        return `${withSpread(time)} ${ratio(time.median / timeOf(results, name, document, way)!.median)}`
      })
      const kept = results.memory[name]?.[variant] ?? 0
      const plain = results.memory[name]?.[document] ?? kept
      rows.push([
        name === OURS ? variant : `${variant} (${name})`,
        ...cells,
        `${size(kept)} ${ratio(kept / plain)}`,
      ])
    }
  }
  return table(['', 'encode', 'decode', 'memory'], rows)
}

function timeOf(
  { cells }: Results,
  participant: string,
  document: string,
  way: string,
): { median: number; spread: number } | undefined {
  const cell = cells.find(
    (each) => each.participant === participant && each.document === document && each.way === way,
  )
  return cell === undefined ? undefined : summarize(cell.times)
}

function withSpread({ median, spread }: { median: number; spread: number }): string {
  return `${duration(median)} +-${(spread * 100).toFixed(0)}%`
}

function ratio(value: number): string {
  return `x${value.toFixed(value < 10 ? 2 : 1)}`.padStart(6)
}

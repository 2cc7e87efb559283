/** The ratios as a picture: one bar a case, to the right where the node of ours is better. Pure. */
import { type Machine, machineLine } from './machine.ts'
import type { CaseResult } from './results.ts'

const WIDTH = 1000
const LABELS = 530
const ROW = 22
const TOP = 64
/** A bar ends here, however much better or worse it is. */
const MOST = 8

interface Bar {
  readonly label: string
  /** Times as good as the baseline. */
  readonly factor: number
  /** Times as good as the baseline that the target asks for. */
  readonly target: number | undefined
}

export function plot(machine: Machine, cases: readonly CaseResult[]): string {
  const bars = cases.flatMap(barsOf)
  const height = TOP + bars.length * ROW + 24
  const ticks = [1 / 4, 1 / 2, 1, 2, 4]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    '<title>How a node of ours compares with a BEAM node, case by case</title>',
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="16" y="22" font-size="15" font-weight="bold">beamjoin beside the BEAM: times as good (right is better)</text>`,
    `<text x="16" y="40" fill="#555555">${escapeXml(machineLine(machine))}</text>`,
    ...ticks.map(
      (tick) =>
        `<line x1="${x(tick)}" y1="${TOP - 6}" x2="${x(tick)}" y2="${height - 20}" stroke="${tick === 1 ? '#333333' : '#dddddd'}"/>` +
        `<text x="${x(tick)}" y="${height - 6}" text-anchor="middle" fill="#555555">${tick < 1 ? `1/${1 / tick}` : tick}x</text>`,
    ),
    ...bars.map((bar, at) => row(bar, TOP + at * ROW)),
    '</svg>\n',
  ].join('\n')
}

function barsOf(one: CaseResult): Bar[] {
  const asFactor = (ratio: number) => (one.better === 'more' ? ratio : 1 / ratio)
  return one.results.flatMap(({ contestant, ratio }, at) => {
    if (ratio === undefined || !(ratio > 0)) return []
    const target =
      at === 1 && one.target !== undefined && 'ratio' in one.target ? one.target.ratio : undefined
    return [
      {
        label: one.results.length > 2 ? `${one.what} (${contestant})` : one.what,
        factor: asFactor(ratio),
        target: target === undefined ? undefined : asFactor(target),
      },
    ]
  })
}

function row({ label, factor, target }: Bar, y: number): string {
  const [from, to] = [x(1), x(factor)]
  const colour = factor >= (target ?? 1) * 0.995 ? '#2f7d4f' : '#b3562f'
  const mark =
    target === undefined
      ? ''
      : `<line x1="${x(target)}" y1="${y}" x2="${x(target)}" y2="${y + ROW - 4}" stroke="#1a4fa0" stroke-width="2"/>`
  return (
    `<text x="${LABELS - 10}" y="${y + 13}" text-anchor="end">${escapeXml(label)}</text>` +
    `<rect x="${Math.min(from, to)}" y="${y + 2}" width="${Math.max(1, Math.abs(to - from))}" height="${ROW - 8}" fill="${colour}"/>` +
    `<text x="${to + (to < from ? -4 : 4)}" y="${y + 13}" text-anchor="${to < from ? 'end' : 'start'}" fill="#333333">${factor.toFixed(2)}</text>${mark}`
  )
}

/** Logarithmic, so that half and double are equally far from the middle. */
function x(factor: number): number {
  const [left, right] = [LABELS + 40, WIDTH - 50]
  const part = Math.log(Math.min(MOST, Math.max(1 / MOST, factor))) / Math.log(MOST)
  return Math.round((left + right) / 2 + (part * (right - left)) / 2)
}

function escapeXml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')
}

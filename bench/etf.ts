/**
 * The codec beside others: `npm run bench:etf [-- --rounds=N] [--ms=N]`.
 *
 * Every codec has a process of its own, warmed with all documents mixed. One round measures every document both ways in
 * every process, in a new random order; a cell is the median of the rounds. All is printed as one table, and written to
 * bench/results/etf.json with every single measurement.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import * as etfSource from '../src/etf/index.ts'
import { encode } from '../src/etf/index.ts'
import { CODECS, type CodecName } from './etf/codecs.ts'
import { DOCUMENTS, termDocument } from './etf/documents.ts'
import { type Participant, startBeam, startCodec } from './etf/participants.ts'
import { report } from './etf/report.ts'
import type { Cell, Results } from './etf/results.ts'
import { build, install, versionOf } from './prepare.ts'

const RESULTS = fileURLToPath(new URL('./results/', import.meta.url))

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { rounds: { type: 'string', default: '15' }, ms: { type: 'string', default: '40' } },
  })
  const rounds = Number(values.rounds)
  const ms = Number(values.ms)
  build()
  install()
  const absent: Record<string, string> = {}
  const participants = await startAll(absent)
  try {
    const cells = await measure(participants, rounds, ms)
    const memory: Record<string, Record<string, number>> = {}
    for (const participant of participants) memory[participant.name] = await memoryOf(participant)
    const results: Results = {
      machine: {
        cpu: cpus()[0]?.model ?? 'unknown',
        cores: String(cpus().length),
        memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
        node: process.version,
        v8: process.versions.v8,
      },
      date: new Date().toISOString(),
      rounds,
      msPerMeasurement: ms,
      versions: Object.fromEntries(participants.map(({ name }) => [name, versionOf(name) ?? ''])),
      absent,
      sizes: Object.fromEntries(participants.map(({ name, sizes }) => [name, sizes])),
      memory,
      cells,
    }
    mkdirSync(RESULTS, { recursive: true })
    writeFileSync(`${RESULTS}etf.json`, `${JSON.stringify(results, null, 1)}\n`)
    process.stdout.write(`${report(results)}\nwritten to bench/results/etf.json\n`)
  } finally {
    for (const participant of participants) participant.stop()
  }
}

async function startAll(absent: Record<string, string>): Promise<Participant[]> {
  const started: Participant[] = []
  const start = async (name: string, starting: () => Promise<Participant>): Promise<void> => {
    try {
      started.push(await starting())
    } catch (error) {
      absent[name] = (error as Error).message
    }
  }
  for (const name of Object.keys(CODECS) as CodecName[]) await start(name, () => startCodec(name))
  const documents = new Map(DOCUMENTS.map((name) => [name, encode(termDocument(name, etfSource))]))
  await start('BEAM', () => startBeam(documents))
  return started
}

async function measure(participants: readonly Participant[], rounds: number, ms: number): Promise<Cell[]> {
  const cells: Cell[] = participants.flatMap(({ name, sizes }) =>
    Object.keys(sizes).flatMap((document) =>
      (['encode', 'decode'] as const).map((way) => ({ participant: name, document, way, times: [] })),
    ),
  )
  for (let round = 1; round <= rounds; round++) {
    process.stderr.write(`\rround ${round} of ${rounds} `)
    for (const cell of shuffled(cells)) {
      const participant = participants.find(({ name }) => name === cell.participant)!
      cell.times.push(await participant.time(cell.document, cell.way, ms))
    }
  }
  process.stderr.write('\n')
  return cells
}

async function memoryOf(participant: Participant): Promise<Record<string, number>> {
  const kept: Record<string, number> = {}
  for (const document of Object.keys(participant.sizes)) {
    const bytes = await participant.memory(document)
    if (bytes !== undefined) kept[document] = bytes
  }
  return kept
}

function shuffled<T>(values: readonly T[]): T[] {
  const order = [...values]
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1))
    const moved = order[i]!
    order[i] = order[j]!
    order[j] = moved
  }
  return order
}

await main()

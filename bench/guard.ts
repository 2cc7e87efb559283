/**
 * Fails when something has become half as fast as it was: `npm run bench:guard`. Looks at ratios only, so it needs no
 * quiet machine and no particular one. Takes some seconds.
 *
 * To guard something else: a file beside guard/codec.ts, and its guards in the list below. The expected ratio is what
 * this prints for a new guard on a few runs; after a deliberate change of speed, write down the new one.
 */
import { codecGuards } from './guard/codec.ts'
import { check, type Verdict } from './guard/guard.ts'
import { openMessageGuards } from './guard/messages.ts'
import { table } from './table.ts'

const messages = await openMessageGuards()
const guards = [...codecGuards(), ...messages.guards]

const verdicts: Verdict[] = []
for (const guard of guards) verdicts.push(await check(guard))
await messages.close()

const rows = verdicts.map(({ name, expected, ratio, tries, ok }) => [
  name,
  expected.toFixed(2),
  ratio.toFixed(2),
  String(tries),
  ok ? 'ok' : 'TOO SLOW',
])
process.stdout.write(`${table(['times as long as the reference', 'expected', 'now', 'tries', ''], rows)}\n`)
if (verdicts.some(({ ok }) => !ok)) {
  process.stdout.write('at least twice as slow as expected, in every try: see bench/guard.ts\n')
  process.exitCode = 1
}

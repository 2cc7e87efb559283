/** Takes memory outside of the heap and lets go of it; prints how often the whole heap was collected meanwhile. */
import { constants, type NodeGCPerformanceDetail, PerformanceObserver } from 'node:perf_hooks'
import { keepHeapHeadroom } from '../../src/index.ts'

const [headroom] = process.argv.slice(2)
if (headroom !== undefined) keepHeapHeadroom(Number(headroom))
const turn = () => new Promise((resolve) => setImmediate(resolve))
let collections = 0
new PerformanceObserver((list) => {
  for (const { detail } of list.getEntries() as { detail?: NodeGCPerformanceDetail }[]) {
    if (detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR) collections++
  }
}).observe({ entryTypes: ['gc'] })
// The one that is asked for; the heap may grow from here on.
globalThis.gc!()
await turn()
for (let i = 0; i < 2000; i++) {
  Buffer.allocUnsafeSlow(2 ** 20)[0] = 1
  await turn()
}
await turn()
process.stdout.write(`${collections - 1}\n`)

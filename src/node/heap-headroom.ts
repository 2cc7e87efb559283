/**
 * How far V8 lets the heap of a node grow before it collects all of it.
 *
 * Binaries that arrive lie outside of V8's heap and count: when so much of them has been received as the heap may grow by,
 * everything is collected, which takes 4 to 10 ms. After some quiet seconds V8 lets a heap grow by a third only, and that of
 * a node is small; then a message of 1 MiB every millisecond means a full collection every 10 messages. Collections of
 * young objects, which take half a millisecond and would do, come every 32 MiB.
 */
import {
  constants,
  type NodeGCPerformanceDetail,
  type PerformanceEntry,
  PerformanceObserver,
} from 'node:perf_hooks'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { OptionError } from '../core/index.ts'

const MIB = 2 ** 20
const DEFAULT_BYTES = 64 * MIB
const MOST_BYTES = 4096 * MIB

/** What V8 takes for "as you see fit". */
const BY_ITSELF = 0

/**
 * Lets the heap grow by so many bytes before V8 collects all of it, as long as less than that is alive; larger heaps
 * grow as V8 sees fit, which is by about as much. Received binaries count as growth. For the whole process, and at the
 * cost of so much memory: for programs that are a node which moves large messages. `beamjoin start` does so by itself.
 * It sets V8's `--heap-growing-percent`, anew after every full collection; of several calls the last one counts.
 *
 * @param bytes from 1 MiB to 4 GiB; default 64 MiB
 * @returns ends it: V8 does as it sees fit again
 * @throws OptionError `ERR_INVALID_OPTION` for other numbers
 * @example
 * const letGo = keepHeapHeadroom(128 * 2 ** 20)
 * letGo()
 */
export function keepHeapHeadroom(bytes: number = DEFAULT_BYTES): () => void {
  if (!(bytes >= MIB && bytes <= MOST_BYTES)) {
    throw new OptionError(`the headroom must be from 1 MiB to 4 GiB in bytes, got ${bytes}`)
  }
  const adjust = (): void => setGrowth(growthPercent(getHeapStatistics().used_heap_size, bytes))
  const observer = new PerformanceObserver((list) => {
    if ((list.getEntries() as CollectionEntry[]).some(isFull)) adjust()
  })
  observer.observe({ entryTypes: ['gc'] })
  adjust()
  return () => {
    observer.disconnect()
    setGrowth(BY_ITSELF)
  }
}

/** By how many percent of what is alive the heap may grow. */
export function growthPercent(alive: number, headroom: number): number {
  return alive >= headroom ? BY_ITSELF : Math.ceil((headroom / alive) * 100)
}

/** V8 looks at it at the end of every full collection. */
function setGrowth(percent: number): void {
  setFlagsFromString(`--heap-growing-percent=${percent}`)
}

/** What Node documents of the entries of collections, and its types leave out. */
interface CollectionEntry extends PerformanceEntry {
  readonly detail: NodeGCPerformanceDetail
}

function isFull({ detail }: CollectionEntry): boolean {
  return detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR
}

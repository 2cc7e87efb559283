/**
 * The processes of a node as the application page of `:observer` draws them: who started whom, and which other links there
 * are. Supervisors start their children, so the supervision tree is part of it.
 */
import { type Encodable, type Pid, tuple } from '../../etf/index.ts'
import type { Runtime } from '../../runtime/index.ts'
import { charlist } from './terms.ts'

/** `{Root, [{Pid, Name}], [{Name, Child}], [{Name, Linked}]}`, names as strings. */
export function processTree(runtime: Runtime): Encodable {
  const root = runtime.client.pid
  const pids = runtime.processes()
  const infos = new Map(
    pids.flatMap((pid) => {
      const info = runtime.processInfo(pid)
      return info === undefined ? [] : [[pid.key, info] as const]
    }),
  )
  const nameOf = (pid: Pid): number[] => {
    const known = infos.get(pid.key)?.registeredName
    if (known !== undefined) return charlist(known.name)
    return charlist(pid.node === runtime.node ? pidText(pid) : `${pidText(pid)} ${pid.node}`)
  }
  const children: Encodable[] = []
  const links: Encodable[] = []
  for (const pid of pids) {
    const info = infos.get(pid.key)
    if (info === undefined || pid.equals(root)) continue
    // What other nodes started, and what outlived who started it, hangs below the root.
    const parent = infos.has(info.parent.key) ? info.parent : root
    children.push(tuple(nameOf(parent), nameOf(pid)))
    for (const linked of info.links) {
      const isDrawn = linked.equals(parent) || infos.get(linked.key)?.parent.equals(pid) === true
      // A link of two processes of this node is told by both, and drawn once.
      const isFirst = linked.node !== runtime.node || pid.key < linked.key
      if (!isDrawn && isFirst) links.push(tuple(nameOf(pid), nameOf(linked)))
    }
  }
  return tuple(
    nameOf(root),
    pids.map((pid) => tuple(pid, nameOf(pid))),
    children,
    links,
  )
}

/** `<0.80.0>` */
function pidText(pid: Pid): string {
  return `<0.${pid.id}.${pid.serial}>`
}

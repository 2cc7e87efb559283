import { atom, type Pid } from '../../../src/etf/index.ts'
import type { Process } from '../../../src/runtime/index.ts'

/** Doubles one number. */
export default async function double(self: Process, to: Pid): Promise<void> {
  self.send(to, atom('ready'))
  self.send(to, Number(await self.receive()) * 2)
}

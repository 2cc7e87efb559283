import { atom, type Pid, type Process } from '../../../src/index.ts'

/** Doubles one number. */
export default async function double(self: Process, to: Pid): Promise<void> {
  self.send(to, atom('ready'))
  self.send(to, Number(await self.receive()) * 2)
}

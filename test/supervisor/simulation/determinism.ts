/**
 * Chance as a seed has it: what a node draws by itself (how long it waits before it tries again, the number of its
 * incarnation), so that a failure of the simulation fails again.
 */
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { Random } from './random.ts'

/** From now on the whole program draws its numbers from a seed; for all but one simulation at a time. @returns ends it */
export function fixChance(seed: number): () => void {
  const chance = new Random(seed)
  const { random } = Math
  const { randomInt } = crypto
  Math.random = () => chance.next()
  const fixed = (one: number, other?: number): number => {
    const [min, max] = other === undefined ? [0, one] : [one, other]
    return min + chance.below(max - min)
  }
  Object.assign(crypto, { randomInt: fixed })
  syncBuiltinESMExports()
  return () => {
    Math.random = random
    Object.assign(crypto, { randomInt })
    syncBuiltinESMExports()
  }
}

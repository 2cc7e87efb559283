/** A node that can run counters and starts with none: others place them here. */
import type { Program } from '../src/index.ts'
import { Counter } from './counter.ts'

export default { modules: { Counter } } satisfies Program

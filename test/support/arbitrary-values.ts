/** Random values of JavaScript that JSON has, for codecs of such. */
import { randomFrom } from './random.ts'

const TEXTS = ['', 'a', 'hello world', 'héllo', '日本', '\u{1f600}', '\0', 'x'.repeat(300), 'nil', 'true']
const NUMBERS = [
  0,
  1,
  255,
  256,
  -1,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  -(2 ** 31),
  -(2 ** 31) - 1,
  2 ** 53,
]
const KEYS = [
  'op',
  'd',
  't',
  'name with space',
  '0',
  '17',
  '4294967294',
  '4294967295',
  '01',
  '-1',
  'ключ',
  'constructor',
]

/** Makes values; the same seed makes the same. */
export function valuesFrom(seed: number): () => unknown {
  const random = randomFrom(seed)
  const below = (limit: number): number => Math.floor(random() * limit)
  const pick = <T>(values: readonly T[]): T => values[below(values.length)]!
  const leaf = (): unknown => {
    switch (below(6)) {
      case 0:
        return pick([null, true, false])
      case 1:
        return pick(NUMBERS)
      case 2:
        return (random() - 0.5) * 10 ** below(20)
      case 3:
        return below(1000)
      default:
        return pick(TEXTS)
    }
  }
  const value = (depth: number): unknown => {
    if (depth === 0 || below(3) === 0) return leaf()
    if (below(2) === 0) return Array.from({ length: below(5) }, () => value(depth - 1))
    return Object.fromEntries(Array.from({ length: below(5) }, () => [pick(KEYS), value(depth - 1)]))
  }
  return () => value(4)
}

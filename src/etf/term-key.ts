/** A string for every term: equal strings for terms that are equal under `=:=`, different ones for all others. */
import { normalizeInteger } from './integers.ts'
import { asAtom, asBytes, asFloat, bitLengthOf, KIND, mapPairs, requireKind } from './kinds.ts'
import { ExportFun } from './terms/export-fun.ts'
import type { Pid } from './terms/pid.ts'
import type { Port } from './terms/port.ts'
import type { Reference } from './terms/reference.ts'
import type { RecordTerm } from './terms/term.ts'
import { Fun, ImproperList } from './terms/term.ts'

/** A piece of the key itself, waiting on the stack among values. */
class Piece {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** Text with its length in front, so that no text can be taken for what follows it. */
function sized(mark: string, text: string): string {
  return `${mark}${text.length}:${text}`
}

/** As many characters as can be passed to one call. */
const PIECE_BYTES = 4096

/** In pieces: a string that grows by single characters takes thirty times their memory. */
function latin1(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += PIECE_BYTES) {
    text += String.fromCharCode(...bytes.subarray(i, i + PIECE_BYTES))
  }
  return text
}

/** Decimal where that is cheap; hexadecimal for a bigint, since printing millions of decimal digits takes seconds. */
function integerKey(value: number | bigint): string {
  const normal = typeof value === 'bigint' ? normalizeInteger(value) : value
  if (typeof normal === 'bigint') return `I${normal.toString(16)};`
  // A template would print -0 as 0 too, but be plain about it: as an integer it is 0.
  return `i${normal === 0 ? 0 : normal};`
}

function bitsKey(value: unknown): string {
  const bytes = asBytes(value)
  return sized(`b${bitLengthOf(value, bytes) & 7}.`, latin1(bytes))
}

function pushReversed(stack: unknown[], values: ArrayLike<unknown>): void {
  for (let i = values.length - 1; i >= 0; i--) stack.push(values[i])
}

/**
 * The key of a term. Works through values with a stack of its own; only keys of maps are followed by recursion.
 *
 * @throws EncodeError when a value in it is no term.
 */
export function termKey(term: unknown): string {
  const stack: unknown[] = [term]
  let key = ''
  while (stack.length > 0) {
    const value = stack.pop()
    if (value instanceof Piece) {
      key += value.text
      continue
    }
    const kind = requireKind(value)
    switch (kind) {
      case KIND.INTEGER:
        key += integerKey(value as number | bigint)
        break
      case KIND.FLOAT: {
        const number = asFloat(value)
        key += `f${Object.is(number, -0) ? '-0' : number};`
        break
      }
      case KIND.ATOM:
        key += sized('a', asAtom(value).name)
        break
      case KIND.REFERENCE:
      case KIND.PORT:
      case KIND.PID:
        key += sized('', (value as Reference | Port | Pid).key)
        break
      case KIND.BITS:
        key += bitsKey(value)
        break
      case KIND.NIL:
        key += '[]'
        break
      case KIND.TUPLE:
        key += `t${(value as ArrayLike<unknown>).length}{`
        pushReversed(stack, value as ArrayLike<unknown>)
        break
      case KIND.LIST:
        if (value instanceof ImproperList) {
          key += `|${value.items.length}[`
          stack.push(value.tail)
          pushReversed(stack, value.items)
        } else {
          key += `l${(value as unknown[]).length}[`
          pushReversed(stack, value as unknown[])
        }
        break
      case KIND.MAP: {
        const keyed = mapPairs(value).map(([each, item]): [string, unknown] => [termKey(each), item])
        keyed.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
        key += `m${keyed.length}{`
        for (let i = keyed.length - 1; i >= 0; i--) stack.push(keyed[i]![1], new Piece(keyed[i]![0]))
        break
      }
      case KIND.EXPORT:
        if (value instanceof ExportFun) {
          key += `e${value.arity}${sized(':', value.module.name)}${sized(':', value.function.name)}`
        }
        break
      case KIND.FUN:
        if (value instanceof Fun) {
          key += `n${value.arity}.${value.index}.${value.oldIndex}.${value.oldUniq}.${latin1(value.uniq)}`
          key += sized(':', value.module.name) + sized(':', value.pid.key)
          key += `${value.free.length}(`
          pushReversed(stack, value.free)
        }
        break
      case KIND.RECORD: {
        const record = value as RecordTerm
        key += `R${record.exported ? 1 : 0}${sized(':', record.module.name)}${sized(':', record.name.name)}`
        key += `${record.fields.map((field) => sized(':', field.name)).join('')}{`
        pushReversed(stack, record.values)
        break
      }
    }
  }
  return key
}

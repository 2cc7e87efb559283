/** Elixir structs as instances of JavaScript classes (design.md 2). */
import { describeError, OptionError } from '../core/index.ts'
import { EncodeError } from './errors.ts'
import { type Atom, alias, atom } from './terms/atom.ts'
import type { Encodable, Term } from './terms/term.ts'

/** The key under which an Elixir struct carries its module. */
export const STRUCT_KEY = atom('__struct__')

/** The fields of a struct by name, without `__struct__`. */
export type StructFields = Readonly<Record<string, Term>>

/** How one struct is read and written; made by `defineStruct`. */
export interface StructCodec {
  /** The module of the struct. */
  readonly module: Atom
  /** Instances of this class are written as the struct. */
  readonly type: abstract new (
    ...args: never[]
  ) => object
  /** The instance for these fields, or undefined to leave the struct a `Map`; false for a class that is only sent. */
  readonly decode: false | ((fields: StructFields) => object | undefined)
  /** The fields of an instance. */
  encode(instance: object): Readonly<Record<string, Encodable>>
}

/** How a class turns into a struct and back. */
export interface StructMapping<T extends object> {
  /**
   * Default: an instance without calling the constructor, with the fields as properties. What it throws makes decoding
   * fail. False for a class that is only sent, because another one stands for the struct.
   */
  readonly decode?: false | ((fields: StructFields) => T | undefined)
  /** Default: the own properties of the instance. */
  readonly encode?: (instance: T) => Readonly<Record<string, Encodable>>
}

/**
 * Ties an Elixir struct to a class, for the option `structs`.
 *
 * @example
 * class User { name = ''; age = 0 }
 * const codec = { structs: [defineStruct('MyApp.User', User)] }
 * encode(Object.assign(new User(), { name: 'Ann', age: 31 }), codec) // %MyApp.User{name: "Ann", age: 31}
 */
export function defineStruct<T extends object>(
  module: string,
  type: abstract new (...args: never[]) => T,
  mapping: StructMapping<T> = {},
): StructCodec {
  // By descriptors, not by assignment: a field that a peer calls `__proto__` must not become the prototype.
  const decode =
    mapping.decode ??
    ((fields: StructFields) => Object.create(type.prototype, Object.getOwnPropertyDescriptors(fields)) as T)
  const encode = mapping.encode ?? ((instance: T) => ({ ...instance }) as Record<string, Encodable>)
  return { module: alias(module), type, decode, encode: (instance) => encode(instance as T) }
}

/** The fields of an instance; what the mapping throws becomes an `EncodeError`. */
export function structFields(codec: StructCodec, instance: object): Readonly<Record<string, Encodable>> {
  try {
    return codec.encode(instance)
  } catch (cause) {
    if (cause instanceof EncodeError) throw cause
    const problem = `${codec.module} cannot be made of this: ${describeError(cause)}`
    throw new EncodeError('ERR_ETF_STRUCT', problem, instance, [], { cause })
  }
}

/** The registered structs, by module for decoding and by class for encoding. */
export interface StructRegistry {
  readonly byModule: ReadonlyMap<Atom, (fields: StructFields) => object | undefined>
  readonly byType: ReadonlyMap<unknown, StructCodec>
}

export function resolveStructs(structs: readonly StructCodec[] | undefined): StructRegistry | undefined {
  if (structs === undefined || structs.length === 0) return undefined
  const byModule = new Map<Atom, (fields: StructFields) => object | undefined>()
  const byType = new Map<unknown, StructCodec>()
  for (const codec of structs) {
    byType.set(codec.type, codec)
    if (codec.decode === false) continue
    if (byModule.has(codec.module)) throw new OptionError(`two structs for ${codec.module} are registered`)
    byModule.set(codec.module, codec.decode)
  }
  return { byModule, byType }
}

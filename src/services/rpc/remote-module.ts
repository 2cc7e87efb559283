/** A module of another node as an object: its functions are methods. */
import type { Encodable, Term } from '../../etf/index.ts'

/** The methods of `Api`, each with a promise of what it returns. */
export type RemoteModule<Api extends object> = {
  readonly [F in keyof Api as Api[F] extends (...args: never) => unknown ? F : never]: Api[F] extends (
    ...args: infer A
  ) => infer R
    ? (...args: A) => Promise<Awaited<R>>
    : never
}

/** What a module has whose functions are not described. */
export type AnyModule = Record<string, (...args: Encodable[]) => Term>

/** `getUser` is `get_user`, as Elixir and Erlang name functions; names that are written that way stay as they are. */
export function toFunctionName(property: string): string {
  return property
    .replace(/([a-z\d])([A-Z])/g, '$1_$2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .toLowerCase()
}

/** @param call calls the function of this name */
export function remoteModule<Api extends object>(
  call: (fun: string, args: readonly Encodable[]) => Promise<Term>,
): RemoteModule<Api> {
  const functions = new Map<string, (...args: Encodable[]) => Promise<Term>>()
  return new Proxy(Object.create(null) as RemoteModule<Api>, {
    get: (_target, property) => {
      // Whoever awaits the module, or passes it on in a promise, must not call a function `then` by that.
      if (typeof property !== 'string' || property === 'then') return undefined
      let run = functions.get(property)
      if (run === undefined) {
        const name = toFunctionName(property)
        run = (...args) => call(name, args)
        functions.set(property, run)
      }
      return run
    },
    has: (_target, property) => typeof property === 'string' && property !== 'then',
  })
}

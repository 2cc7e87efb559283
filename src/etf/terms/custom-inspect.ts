/** Method name that Node's `util.inspect`, and so `console.log`, looks for. Elsewhere it does nothing. */
export const INSPECT: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never

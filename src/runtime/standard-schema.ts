/**
 * The part of the Standard Schema specification (version 1) that is used here: what zod, valibot, arktype and others
 * have in common. Types only, so no library is needed.
 */

/** A schema of any library: `z.number()`, `v.string()`, `type('number')`. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** What the schemas take, one argument each. */
export type SchemaInputs<Schemas extends readonly StandardSchema[]> = {
  -readonly [I in keyof Schemas]: Schemas[I] extends StandardSchema<infer Input, infer _Output>
    ? Input
    : never
}

/** What the schemas make of it. */
export type SchemaOutputs<Schemas extends readonly StandardSchema[]> = {
  -readonly [I in keyof Schemas]: Schemas[I] extends StandardSchema<infer _Input, infer Output>
    ? Output
    : never
}

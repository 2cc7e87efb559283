/**
 * The part of tap that the codec's tests use, for where tap does not run: in the bundle that compat/ makes of those tests
 * this module stands for `tap`. It runs the tests one after another and hands the results to `globalThis.report`.
 */

/** One test, with what it found wrong. */
export interface Result {
  readonly name: string
  readonly assertions: number
  readonly failures: readonly string[]
  readonly comments: readonly string[]
}

interface PortableTest {
  readonly name: string
  readonly body: (t: Assertions) => Promise<unknown> | unknown
}

const tests: PortableTest[] = []

export function test(name: string, body: PortableTest['body']): void {
  tests.push({ name, body })
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (value instanceof Error) return `${value.name}: ${value.message}`
  try {
    return `${typeof value} ${String(value)}`
  } catch {
    return typeof value
  }
}

/** Whether two values have the same class and the same parts, down to the ground. */
function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false
  if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime()
  if (a instanceof Map && b instanceof Map) return isSame([...a], [...b])
  // Private fields are seen through iteration: a TermSet holds its elements in one.
  if (Symbol.iterator in a && Symbol.iterator in b && !Array.isArray(a) && !ArrayBuffer.isView(a)) {
    return isSame([...(a as Iterable<unknown>)], [...(b as Iterable<unknown>)])
  }
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every((key) => Object.hasOwn(b, key) && isSame(Reflect.get(a, key), Reflect.get(b, key)))
}

/** Whether a value has what a pattern asks for: regular expressions for texts, objects for parts. */
function isMatch(value: unknown, pattern: unknown): boolean {
  if (pattern instanceof RegExp) return pattern.test(String(value))
  if (typeof pattern !== 'object' || pattern === null) return Object.is(value, pattern)
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(pattern).every(([key, part]) => isMatch(Reflect.get(value, key), part))
}

/** `t` of a test. */
class Assertions {
  assertions = 0
  readonly failures: string[] = []
  readonly comments: string[] = []

  #check(passed: boolean, what: string, message: unknown): void {
    this.assertions++
    if (!passed) this.failures.push(typeof message === 'string' ? `${message}: ${what}` : what)
  }

  comment(text: string): void {
    this.comments.push(text)
  }

  pass(): void {
    this.#check(true, '', '')
  }

  fail(message?: unknown): void {
    this.#check(false, 'failed', message)
  }

  ok(value: unknown, message?: unknown): void {
    this.#check(Boolean(value), `${show(value)} is not truthy`, message)
  }

  notOk(value: unknown, message?: unknown): void {
    this.#check(!value, `${show(value)} is not falsy`, message)
  }

  equal(found: unknown, wanted: unknown, message?: unknown): void {
    this.#check(Object.is(found, wanted), `${show(found)} is not ${show(wanted)}`, message)
  }

  not(found: unknown, unwanted: unknown, message?: unknown): void {
    this.#check(!Object.is(found, unwanted), `it is ${show(found)}`, message)
  }

  strictSame(found: unknown, wanted: unknown, message?: unknown): void {
    this.#check(isSame(found, wanted), `${show(found)} is not like ${show(wanted)}`, message)
  }

  same(found: unknown, wanted: unknown, message?: unknown): void {
    this.strictSame(found, wanted, message)
  }

  match(found: unknown, pattern: unknown, message?: unknown): void {
    this.#check(isMatch(found, pattern), `${show(found)} does not match`, message)
  }

  throws(body: () => unknown, pattern?: unknown, message?: unknown): void {
    try {
      body()
    } catch (error) {
      this.#check(pattern === undefined || isMatch(error, pattern), `it throws ${show(error)}`, message)
      return
    }
    this.#check(false, 'it does not throw', message)
  }
}

async function run({ name, body }: PortableTest): Promise<Result> {
  const t = new Assertions()
  try {
    await body(t)
  } catch (error) {
    t.fail(error instanceof Error ? `${error.name}: ${error.message}\n${error.stack}` : show(error))
  }
  return { name, assertions: t.assertions, failures: t.failures.slice(0, 10), comments: t.comments }
}

/** Runs every test that was registered. */
export async function runAll(): Promise<Result[]> {
  const results: Result[] = []
  for (const each of tests) results.push(await run(each))
  return results
}

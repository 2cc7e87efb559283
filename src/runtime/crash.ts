/**
 * Exit reasons of processes that threw, in a form that Elixir and Erlang print well: an exception struct and a
 * stacktrace, `{%RuntimeError{message: "TypeError: ..."}, [{Module, Function, Arity, [file: ..., line: ...]}]}`.
 */
import {
  Atom,
  alias,
  atom,
  type Encodable,
  fromKeyword,
  inspect,
  type Term,
  Tuple,
  tuple,
} from '../etf/index.ts'
import { NORMAL, SHUTDOWN } from './atoms.ts'
import { CallError, ExitError, printed } from './errors.ts'

const MAX_FRAMES = 10
/** Function names in stacks become atoms, which have at most 255 characters. */
const MAX_NAME = 255
const FRAME = /^ +at (?:async )?(?:(?:new )?([^ ]+) .*?\()?(?:file:\/\/)?(.+?):(\d+):\d+\)?$/

/** Messages that quote text may cut a character in two, as those of `JSON.parse` do. */
const HALF_CHARACTER = /\p{Surrogate}/gu

const STRUCT = atom('__struct__')
const EXCEPTION = atom('__exception__')
const MESSAGE = atom('message')
const RUNTIME_ERROR = alias('RuntimeError')
const NOCATCH = atom('nocatch')
const GEN_SERVER_MODULE = alias('GenServer')
const CALL = atom('call')
const FILE = atom('file')
const LINE = atom('line')
const INFINITY = atom('infinity')

/** The exit reason of a process whose code threw `error`. */
export function exitReason(error: unknown): Term {
  if (error instanceof ExitError) return error.reason as Term
  if (error instanceof CallError) return uncaughtCall(error)
  if (error instanceof Error) return tuple(exceptionOf(error), stackOf(error)) as Term
  return tuple(tuple(NOCATCH, error as Encodable), []) as Term
}

/** An exit reason in one line for a log: of an exception its message and where it was thrown, of others the term. */
export function describeExit(reason: Term): string {
  if (!(reason instanceof Tuple) || reason.length !== 2) return printed(reason)
  const [exception, stack] = reason as Tuple<[Term, Term]>
  const message = exception instanceof Map ? exception.get(MESSAGE) : undefined
  if (typeof message !== 'string' || !Array.isArray(stack)) return printed(reason)
  const [entry] = stack
  return entry === undefined ? message : `${message}, at ${describeEntry(entry)}`
}

/** Whether processes end with this reason when all is well: `normal`, `shutdown`, `{shutdown, _}`. */
export function isOrderlyExit(reason: Term): boolean {
  if (reason === NORMAL || reason === SHUTDOWN) return true
  return reason instanceof Tuple && reason.length === 2 && reason[0] === SHUTDOWN
}

/** As an Elixir process that does not catch the exit of `GenServer.call/3`. */
function uncaughtCall(error: CallError): Term {
  const { destination, request, timeout } = error.call
  const call = tuple(GEN_SERVER_MODULE, CALL, [destination, request, timeout ?? INFINITY])
  return tuple(error.reason, call) as Term
}

function exceptionOf(error: Error): Encodable {
  return new Map<Encodable, Encodable>([
    [STRUCT, RUNTIME_ERROR],
    [EXCEPTION, true],
    [MESSAGE, `${error.name}: ${error.message}`.replace(HALF_CHARACTER, '\ufffd')],
  ])
}

/** What V8 writes into `error.stack`; lines of another form are left out. */
function stackOf(error: Error): Encodable[] {
  const entries: Encodable[] = []
  for (const line of (error.stack ?? '').split('\n')) {
    const match = FRAME.exec(line)
    if (match === null) continue
    const [, called, file = '', number] = match
    // The machinery of Node below the event loop tells nobody anything.
    if (file.startsWith('node:')) continue
    entries.push(stackEntry(called ?? '<anonymous>', relative(file), Number(number)))
    if (entries.length === MAX_FRAMES) break
  }
  return entries
}

/** `Counter.handleCall` gives module `Counter`; a plain function gets the file as its module. */
function stackEntry(called: string, file: string, line: number): Encodable {
  const dot = called.lastIndexOf('.')
  const module = dot > 0 ? alias(clip(called.slice(0, dot))) : nameAtom(file.slice(file.lastIndexOf('/') + 1))
  const location = [tuple(FILE, [...file].map(codePoint)), tuple(LINE, line)]
  return tuple(module, nameAtom(called.slice(dot + 1)), 0, location)
}

/** `Counter.handleCast (examples/counter.ts:25)` of `{Counter, :handleCast, 0, [file: ..., line: 25]}`. */
function describeEntry(entry: Term): string {
  if (!(entry instanceof Tuple) || entry.length !== 4) return inspect(entry)
  const [module, name, , location] = entry as Tuple<[Term, Term, Term, Term]>
  const { file, line } = fromKeyword(location) ?? {}
  const called = `${inspect(module)}.${name instanceof Atom ? name.name : inspect(name)}`
  if (!Array.isArray(file)) return called
  return `${called} (${String.fromCodePoint(...(file as number[]))}:${line})`
}

function relative(file: string): string {
  const root = `${process.cwd()}/`
  return file.startsWith(root) ? file.slice(root.length) : file
}

function codePoint(character: string): number {
  return character.codePointAt(0) as number
}

function nameAtom(name: string): Atom {
  return atom(clip(name))
}

/** Room for the prefix `Elixir.` is left. */
function clip(name: string): string {
  return name.slice(0, MAX_NAME - 'Elixir.'.length)
}

/** Elements of arriving control tuples: each read checks the kind, and an error says which element it was. */
import { Atom, atom, Pid, Reference, type Term, Tuple } from '../etf/index.ts'
import type { Mfa } from './control.ts'
import { DistError } from './errors.ts'

export function mfaAt(control: readonly Term[], index: number): Mfa {
  const mfa = control[index]
  if (!(mfa instanceof Tuple) || mfa.length !== 3)
    throw badElement(control, index, '{Module, Function, Arity}')
  const module = toAtom(mfa[0])
  const name = toAtom(mfa[1])
  const arity = mfa[2]
  if (module === undefined || name === undefined || typeof arity !== 'number') {
    throw badElement(control, index, '{Module, Function, Arity}')
  }
  return { module, function: name, arity }
}

export function pidAt(control: readonly Term[], index: number): Pid {
  const element = control[index]
  if (element instanceof Pid) return element
  throw badElement(control, index, 'a pid')
}

/** A process of the peer: nobody makes or breaks links in the name of a third node. */
export function peerPidAt(control: readonly Term[], index: number, peer: Atom): Pid {
  const pid = pidAt(control, index)
  if (pid.node === peer) return pid
  const expected = `a pid of ${peer.name}`
  const actual = `a pid of ${pid.node.name}`
  const message = `element ${index + 1} of control message ${String(control[0])} is ${actual}, expected ${expected}`
  throw new DistError('ERR_DIST_BAD_CONTROL', message, { actual, expected })
}

export function atomAt(control: readonly Term[], index: number): Atom {
  return toAtom(control[index]) ?? fail(badElement(control, index, 'an atom'))
}

export function pidOrAtomAt(control: readonly Term[], index: number): Pid | Atom {
  const element = control[index]
  if (element instanceof Pid) return element
  return toAtom(element) ?? fail(badElement(control, index, 'a pid or an atom'))
}

export function referenceAt(control: readonly Term[], index: number): Reference {
  const element = control[index]
  if (element instanceof Reference) return element
  throw badElement(control, index, 'a reference')
}

/** The low bits of an integer of any size, for flags of which the rest is ignored. */
export function lowBitsAt(control: readonly Term[], index: number): number {
  const element = control[index]
  if (typeof element === 'bigint') return Number(BigInt.asUintN(16, element))
  if (typeof element === 'number' && Number.isInteger(element)) return element & 0xffff
  throw badElement(control, index, 'an integer')
}

/** 1 to 2^64 - 1. */
export function unlinkIdAt(control: readonly Term[], index: number): bigint {
  const element = control[index]
  if (typeof element === 'number' || typeof element === 'bigint') {
    if (element > 0 && element < 2n ** 64n && (typeof element === 'bigint' || Number.isInteger(element))) {
      return BigInt(element)
    }
  }
  throw badElement(control, index, 'an id from 1 to 2^64 - 1')
}

/** Some atoms arrive as values of their own. */
function toAtom(term: Term | undefined): Atom | undefined {
  if (term instanceof Atom) return term
  if (term === null) return atom('nil')
  return typeof term === 'boolean' ? atom(String(term)) : undefined
}

export function expectArity(op: number, arity: number, expected: number): void {
  if (arity !== expected) throw wrongArity(op, arity, expected)
}

/** For tuples that later releases may make longer. */
export function expectAtLeast(op: number, arity: number, expected: number): void {
  if (arity < expected) expectArity(op, arity, expected)
}

function wrongArity(op: number, actual: number, expected: number): DistError {
  const what = `control message ${op} has ${actual} elements, expected ${expected}`
  return new DistError('ERR_DIST_BAD_CONTROL', what, { actual, expected })
}

export function badElement(control: readonly Term[], index: number, expected: string): DistError {
  const actual = describeKind(control[index])
  const message = `element ${index + 1} of control message ${String(control[0])} is ${actual}, expected ${expected}`
  return new DistError('ERR_DIST_BAD_CONTROL', message, { actual, expected })
}

/** Kind of a term, without its contents: they may be long, and they may be secret. */
export function describeKind(term: Term | undefined): string {
  if (term === undefined) return 'missing'
  if (term === null || typeof term !== 'object') return typeof term === 'object' ? 'nil' : `a ${typeof term}`
  if (Array.isArray(term)) return 'a list'
  // Not `term.constructor`: a map that arrives as an object may have a key of that name.
  return `a ${(Object.getPrototypeOf(term) as object).constructor.name}`
}

function fail(error: DistError): never {
  throw error
}

/** Control messages and the signals that they are: what the captured frames are held against. */
import { atom, decode, type Encodable, EXACT, encode, type Term, Tuple, tuple } from '../../src/etf/index.ts'
import type { Signal } from './recorder.ts'

/** The signal that a control message and its payload must turn into. */
export function expectedSignal(control: Tuple, message: Term | undefined): Signal {
  const at = (index: number): Term => control[index]!
  switch (at(0)) {
    case 1:
      return ['link', at(1), at(2)]
    case 2:
    case 12:
      return ['send', null, at(2), message!]
    case 13:
      return ['exit', at(1), at(2), at(4)]
    case 3:
    case 8:
      return [at(0) === 3 ? 'exit' : 'exit2', at(1), at(2), at(3)]
    case 18:
      return ['exit2', at(1), at(2), at(4)]
    case 27:
      return ['exit2', at(1), at(2), message!]
    case 4:
      return ['unlink', 0n, at(1), at(2)]
    case 6:
    case 16:
      return ['sendName', at(1), at(3), message!]
    case 7:
      return ['groupLeader', at(1), at(2)]
    case 19:
      return ['monitor', at(1), at(2), at(3)]
    case 20:
      return ['demonitor', at(1), at(2), at(3)]
    case 21:
      return ['monitorExit', at(1), at(2), at(3), at(4)]
    case 22:
    case 23:
      return ['send', at(1), at(2), message!]
    case 24:
    case 25:
      return ['exit', at(1), at(2), message!]
    case 26:
      return ['exit2', at(1), at(2), message!]
    case 28:
      return ['monitorExit', at(1), at(2), at(3), message!]
    case 29:
    case 30:
      return ['spawnRequest', at(1), at(2), at(3), at(4), at(5), message!]
    case 31:
    case 32:
      return ['spawnReply', at(1), at(2), at(3), at(4)]
    case 33:
    case 34:
      return ['sendAlias', at(1), at(2), message!]
    case 35:
      return ['unlink', BigInt(at(1) as number), at(2), at(3)]
    case 36:
      return ['unlinkAck', BigInt(at(1) as number), at(2), at(3)]
    case 37:
      return [altactName(at(1) as number), at(2), at(3), message!]
    default:
      throw new Error(`no rule for operation ${String(at(0))}`)
  }
}

function altactName(flags: number): Signal[0] {
  if ((flags & 16) !== 0) return (flags & 4) === 0 ? 'exit2' : 'exitAlias'
  return (flags & 4) !== 0 ? 'sendAlias' : (flags & 8) !== 0 ? 'sendName' : 'send'
}

interface Mfa {
  readonly module: Term
  readonly function: Term
  readonly arity: number
}

function isMfa(value: unknown): value is Mfa {
  return typeof value === 'object' && value !== null && 'module' in value && !(value instanceof Tuple)
}

/** A signal as a list of terms: its method, and what that is called with. */
export function signalTerm([method, ...args]: Signal): Term[] {
  return [
    method,
    ...args.map((each) =>
      isMfa(each) ? (tuple(each.module, each.function, each.arity) as Term) : (each as Term),
    ),
  ]
}

export function encodeSignal(signal: Signal): string {
  return Buffer.from(encode(signalTerm(signal) as Encodable)).toString('hex')
}

/** What `encodeSignal` made, to be sent again. */
export function decodeSignal(hex: string): Signal {
  const [method, ...args] = decode(Buffer.from(hex, 'hex'), EXACT) as [Signal[0], ...Term[]]
  if (method === 'spawnRequest') {
    const [module, name, arity] = args[3] as unknown as Tuple<[Term, Term, number]>
    return [method, ...args.slice(0, 3), { module, function: name, arity }, ...args.slice(4)]
  }
  if (method === 'unlink' || method === 'unlinkAck')
    return [method, BigInt(args[0] as number), ...args.slice(1)]
  return [method, ...args]
}

/** Stands for a list of spawn options, which releases order as they like. */
export const ANY = atom('any')

/**
 * Who called, and how a reply gets there (protocol.md 9.1). The tag goes back untouched as the first element:
 *
 *   Tag                          who sends it                      the reply goes to
 *   Ref                          local calls, old callers          the pid
 *   [alias|Ref]                  gen_server:call, OTP 24+          the alias Ref
 *   [[alias|Alias]|Monitor]      gen_server:multi_call, OTP 26+    the alias Alias
 *   {Ref, Node}, anything else   multi_call of OTP 25, others      the pid
 */
import { type Atom, ImproperList, Pid, Reference, type Term, Tuple } from '../etf/index.ts'
import { ALIAS } from './atoms.ts'

/** The caller and its tag, `{Pid, Tag}`. Keep it to reply later; the tag is opaque. */
export type From = Tuple<[Pid, Term]>

export function isFrom(term: Term | undefined): term is From {
  return term instanceof Tuple && term.length === 2 && term[0] instanceof Pid
}

/** `{Label, {Pid, Tag}, Request}`, as gen:call sends it. */
export type Request = Tuple<[Atom, From, Term]>

export function isRequest(message: Tuple, label: Atom): message is Request {
  return message[0] === label && message.length === 3 && isFrom(message[1])
}

/** The reference in `[alias|Ref]`, or undefined for any other term. */
function aliasIn(term: Term): Reference | undefined {
  if (!(term instanceof ImproperList) || term.items.length !== 1 || term.items[0] !== ALIAS) return undefined
  return term.tail instanceof Reference ? term.tail : undefined
}

/** The alias that a reply with this tag goes to; undefined: it goes to the pid. */
export function replyAlias(tag: Term): Reference | undefined {
  if (!(tag instanceof ImproperList) || tag.items.length !== 1) return undefined
  return aliasIn(tag) ?? aliasIn(tag.items[0] as Term)
}

/**
 * The reference of the call that this message answers, when it is a reply that came to a pid although the tag has an
 * alias: `{[alias|Ref], Reply}`.
 */
export function repliedCall(message: Term): Reference | undefined {
  return message instanceof Tuple && message.length === 2 ? replyAlias(message[0] as Term) : undefined
}

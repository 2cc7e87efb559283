/**
 * What an exchange of names changes: names of the peer that are new come in, and about the same name of two processes
 * the node with the smaller name decides; the other one waits to hear (protocol.md 8.3).
 */
import { type Atom, atom, compareTerms, inspect, Pid, type Term } from '../../etf/index.ts'
import type { NameChange, NameRecord } from './protocol.ts'

const NONE = atom('none')

export interface ConflictsOptions {
  readonly self: Atom
  readonly find: (name: Term) => NameRecord | undefined
  /** Runs the resolver of `ours` on the node of its process. Rejects when that node cannot be asked. */
  readonly resolve: (ours: NameRecord, theirs: NameRecord) => Promise<Term>
  readonly log: (fields: object, message: string) => void
}

export interface Settled {
  /** What changes in our part of the cluster. */
  readonly here: readonly NameChange[]
  /** What changes in the peer's. */
  readonly there: readonly NameChange[]
}

/** @param names all names of the peer */
export async function settleConflicts(
  peer: Atom,
  names: readonly NameRecord[],
  options: ConflictsOptions,
): Promise<Settled> {
  const here: NameChange[] = []
  const there: NameChange[] = []
  const weDecide = compareTerms(options.self, peer) < 0
  for (const theirs of names) {
    const ours = options.find(theirs.name)
    if (ours === undefined) here.push({ type: 'insert', record: theirs })
    else if (!ours.pid.equals(theirs.pid) && weDecide) await settleOne(ours, theirs, options, here, there)
  }
  return { here, there }
}

async function settleOne(
  ours: NameRecord,
  theirs: NameRecord,
  { log, resolve }: ConflictsOptions,
  here: NameChange[],
  there: NameChange[],
): Promise<void> {
  const { name } = theirs
  let winner: Term
  try {
    winner = await resolve(ours, theirs)
  } catch (error) {
    log(
      { name: inspect(name), error },
      'global cannot ask the node of a process about a conflict: the name is given up',
    )
    here.push({ type: 'insert', record: theirs })
    return
  }
  if (winner instanceof Pid && winner.equals(theirs.pid)) {
    here.push({ type: 'insert', record: theirs })
  } else if (winner instanceof Pid && winner.equals(ours.pid)) {
    there.push({ type: 'insert', record: ours })
  } else {
    if (winner !== NONE) {
      const fields = { name: inspect(name), value: inspect(winner) }
      log(fields, 'what resolves a conflict about a name gave neither process: the name is removed')
    }
    here.push({ type: 'delete', name })
    there.push({ type: 'delete', name })
  }
}

/** How names change: under the lock that its requester holds, and not under one that was lost meanwhile. */
import { type Atom, type Pid, type Term, termEquals } from '../../etf/index.ts'
import type { LockTable } from './locks.ts'
import type { NameTable } from './names.ts'
import type { ExternalName, NameChange, NameRecord } from './protocol.ts'

/** Who changes names: the process that holds the lock, or the requester of the lock under which two nodes met. */
export type ChangedBy = Pid | { readonly requester: Term | undefined }

export class NameChanges {
  readonly #names: NameTable
  readonly #locks: LockTable

  constructor(names: NameTable, locks: LockTable) {
    this.#names = names
    this.#locks = locks
  }

  apply(changes: readonly NameChange[], external: readonly ExternalName[], by: ChangedBy): void {
    for (const change of changes) {
      if (change.type === 'insert') this.insert(change.record, by, registrarOf(change.record, external))
    }
    for (const change of changes) if (change.type === 'delete') this.#names.remove(change.name)
  }

  /** A name that comes under a lock that is gone would be on this node only. */
  insert(record: NameRecord, by: ChangedBy, registrar: Atom | undefined): void {
    this.#names.insert(record, registrar)
    if (!this.#locks.allowsChange(by)) this.#names.remove(record.name)
  }
}

function registrarOf({ name, pid }: NameRecord, external: readonly ExternalName[]): Atom | undefined {
  return external.find((other) => other.pid.equals(pid) && termEquals(other.name, name))?.node
}

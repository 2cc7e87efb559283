/** A handler that writes down what it is called with. */
import type { ControlHandler } from '../../src/dist/control.ts'

/** Method and arguments. */
export type Signal = [keyof ControlHandler, ...unknown[]]

/** It is never busy: it does as the sending side of a connection, too. */
export interface RecordingHandler extends ControlHandler {
  readonly isBusy: boolean
}

export function recorder(): { handler: RecordingHandler; signals: Signal[] } {
  const signals: Signal[] = []
  const record =
    (method: keyof ControlHandler) =>
    (...args: unknown[]): void => {
      signals.push([method, ...args])
    }
  const handler: RecordingHandler = {
    isBusy: false,
    send: record('send'),
    sendName: record('sendName'),
    // Whose alias it is is a hint for the order, and no part of the signal.
    sendAlias: (from, alias, message) => void signals.push(['sendAlias', from, alias, message]),
    link: record('link'),
    unlink: record('unlink'),
    unlinkAck: record('unlinkAck'),
    exit: record('exit'),
    exit2: record('exit2'),
    exitAlias: record('exitAlias'),
    monitor: record('monitor'),
    demonitor: record('demonitor'),
    monitorExit: record('monitorExit'),
    groupLeader: record('groupLeader'),
    spawnRequest: record('spawnRequest'),
    spawnReply: record('spawnReply'),
  }
  return { handler, signals }
}

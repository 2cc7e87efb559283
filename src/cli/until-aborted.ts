import { CommandFailed } from './command.ts'

/** Resolves when the signal is aborted. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

/** Runs a question to somebody else, which Ctrl-C ends at once. @throws CommandFailed when it does. */
export function unlessInterrupted<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  const interrupted = new Promise<never>((_resolve, reject) => {
    const stop = (): void => reject(new CommandFailed('interrupted'))
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
  return Promise.race([interrupted, ask()])
}

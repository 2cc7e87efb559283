/** Where the I/O server writes, and from where it reads. */
export interface IoDevice {
  /** The output of whoever has this node as group leader. A promise is waited for. */
  write(text: string): void | Promise<void>
  /** The next line with its end, undefined at the end of the input. Left out: there is no input. */
  readLine?(prompt: string): Promise<string | undefined>
  /** Characters of a line and lines of a page; left out: it is no terminal. */
  readonly size?: () => { readonly columns: number; readonly rows: number } | undefined
}

/** Writes to standard output, and reads nothing: what waits for input on a server waits for ever. */
export const standardOutput: IoDevice = {
  write: (text) =>
    new Promise((resolve) => {
      process.stdout.write(text, () => resolve())
    }),
  size: () => {
    const { columns, rows } = process.stdout
    return columns === undefined || rows === undefined ? undefined : { columns, rows }
  },
}

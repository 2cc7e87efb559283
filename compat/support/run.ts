/** Programs that run for a while and are ended in any case. */
import { spawnReaped } from '../../interop/support/reaper.ts'

/** Many times what it takes. */
const TIMEOUT = 300_000

/** What the program prints on standard output. Rejects when it fails, or takes too long. */
export async function outputOf(command: string, args: readonly string[], input: string): Promise<string> {
  const { process: child, exited } = spawnReaped(command, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  const [output, errors]: [Buffer[], Buffer[]] = [[], []]
  child.stdout?.on('data', (chunk: Buffer) => output.push(chunk))
  child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk))
  // That it ended early is told by `exited`.
  child.stdin?.on('error', () => {})
  child.stdin?.end(input)
  const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT)
  const end = await exited
  clearTimeout(timer)
  if (end.code === 0) return Buffer.concat(output).toString('utf8')
  const how = end.error?.message ?? `ended with ${end.code ?? end.signal}`
  throw new Error(`${command} ${how}: ${Buffer.concat(errors).toString('utf8').slice(-2000)}`)
}

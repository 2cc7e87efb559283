/**
 * A real epmd for the tests of how we behave with one: in the foreground, on a port of its own, reaped.
 */
import { connect } from 'node:net'
import { beamCommand, findBeam } from './beam.ts'
import { type ChildExit, spawnReaped } from './reaper.ts'
import { freePort, waitFor } from './wait.ts'

export interface Epmd {
  readonly port: number
  /** Ends it at once. Resolves when it is gone; safe to call twice. */
  kill(): Promise<ChildExit>
}

/** Starts an epmd that listens on 127.0.0.1 and resolves when it does. */
export async function startEpmd(port?: number, otp?: number): Promise<Epmd> {
  const listenOn = port ?? (await freePort())
  const args = ['-address', '127.0.0.1', '-port', String(listenOn), '-relaxed_command_check']
  const [command, commandArgs] = beamCommand(findBeam(otp), 'epmd', args)
  const child = spawnReaped(command, commandArgs, { stdio: 'ignore' })
  let end: ChildExit | undefined
  void child.exited.then((exit) => {
    end = exit
  })
  const kill = () => {
    if (end === undefined) child.process.kill('SIGKILL')
    return child.exited
  }
  try {
    await waitFor(() => end !== undefined || accepts(listenOn), { what: `epmd on port ${listenOn}` })
  } catch (error) {
    await kill()
    throw error
  }
  if (end !== undefined) throw new Error(`epmd on port ${listenOn} ended: ${JSON.stringify(end)}`)
  return { port: listenOn, kill }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

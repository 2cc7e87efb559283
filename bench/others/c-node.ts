/** Erlang's C node: found where OTP has it, or taken from Debian's package, compiled, and started. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { spawnReaped } from '../../interop/support/reaper.ts'
import type { Cleanup } from '../../interop/support/wait.ts'

const SOURCE = fileURLToPath(new URL('./ei-node.c', import.meta.url))
const BUILD = fileURLToPath(new URL('../.build-ei/', import.meta.url))
const PROGRAM = `${BUILD}ei-node`

/** Starts one; its name is the one that is given. Throws an error that says what is missing. */
export async function startCNode(
  name: string,
  cookie: string,
  epmdPort: number,
  defer: (cleanup: Cleanup) => void,
): Promise<void> {
  compile()
  const { process: child, exited } = spawnReaped(PROGRAM, [name, cookie], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ERL_EPMD_PORT: String(epmdPort) },
  })
  defer(async () => {
    child.kill('SIGKILL')
    await exited
  })
  for await (const line of createInterface({ input: child.stdout! })) if (line === 'registered') return
  throw new Error('the C node ended before it was registered')
}

function compile(): void {
  mkdirSync(BUILD, { recursive: true })
  const root = eiOf(erlangRoot()) ?? eiOf(debianPackage())
  if (root === undefined) throw new Error('no ei.h and libei.a: the package erlang-dev has them')
  const args = ['-O2', '-o', PROGRAM, SOURCE, `-I${root}/include`, `-L${root}/lib`, '-lei', '-lpthread']
  try {
    execFileSync('cc', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  } catch (error) {
    throw new Error(`cannot compile bench/others/ei-node.c: ${(error as Error).message}`)
  }
}

/** Where the headers and the library are, below an installation of Erlang. */
function eiOf(erlang: string | undefined): string | undefined {
  if (erlang === undefined) return undefined
  const roots = [`${erlang}/usr`]
  if (existsSync(`${erlang}/lib`)) {
    for (const each of readdirSync(`${erlang}/lib`))
      if (each.startsWith('erl_interface-')) roots.push(`${erlang}/lib/${each}`)
  }
  return roots.find((root) => existsSync(`${root}/include/ei.h`) && existsSync(`${root}/lib/libei.a`))
}

function erlangRoot(): string {
  const print = 'io:format("~s", [code:root_dir()]), halt().'
  return execFileSync('erl', ['-noshell', '-eval', print], { encoding: 'utf8' })
}

/** Unpacked beside the program: nothing is installed. */
function debianPackage(): string | undefined {
  const target = `${BUILD}erlang-dev`
  if (existsSync(target)) return `${target}/usr/lib/erlang`
  const partial = `${target}.${process.pid}`
  const quiet = { cwd: partial, stdio: 'ignore' } as const
  try {
    mkdirSync(partial)
    execFileSync('apt-get', ['download', 'erlang-dev'], quiet)
    const file = readdirSync(partial).find((each) => each.endsWith('.deb'))
    if (file === undefined) return undefined
    execFileSync('dpkg-deb', ['-x', file, 'root'], quiet)
    renameSync(`${partial}/root`, target)
    return `${target}/usr/lib/erlang`
  } catch {
    return undefined
  } finally {
    rmSync(partial, { recursive: true, force: true })
  }
}

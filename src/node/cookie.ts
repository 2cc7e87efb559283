/**
 * The cookie file, found and checked as `auth` of OTP does: `~/.erlang.cookie`, then `erlang/.erlang.cookie` under the
 * XDG configuration directory. A cookie never appears in an error or a log.
 */
import type { Stats } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { describeError, OptionError } from '../core/index.ts'

const GROUP_OR_OTHER = 0o077
/** Blanks in the line belong to the cookie, those after it do not. */
const COOKIE_TEXT = /^([ -~]+)[ \r\n]*$/

/** The cookie to use: the one given, else the user's; throws `OptionError` when there is none or it is unsafe. */
export async function resolveCookie(
  given: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  if (given !== undefined) return checkCookie(given)
  const home = env['HOME'] || homedir()
  const config = env['XDG_CONFIG_HOME'] || join(home, '.config')
  const candidates = [join(home, '.erlang.cookie'), join(config, 'erlang', '.erlang.cookie')]
  for (const file of candidates) {
    const cookie = await readCookieFile(file)
    if (cookie !== undefined) return cookie
  }
  throw new OptionError(
    `no cookie: pass one as the option \`cookie\`, or put one into ${candidates[0]} (readable by its owner only)`,
  )
}

function checkCookie(cookie: string): string {
  if (!/^[ -~]{1,255}$/.test(cookie)) {
    throw new OptionError('the cookie must have 1 to 255 printable ASCII characters')
  }
  return cookie
}

/** Undefined when there is no such file. Links are followed, as OTP does: that is how secrets are mounted. */
async function readCookieFile(file: string): Promise<string | undefined> {
  const found = await statIfAny(file)
  if (found === undefined) return undefined
  if (!found.isFile()) throw new OptionError(`the cookie file ${file} must be a regular file`)
  if (process.platform !== 'win32' && (found.mode & GROUP_OR_OTHER) !== 0) {
    throw new OptionError(`the cookie file ${file} must be accessible by its owner only: chmod 400 ${file}`)
  }
  const text = COOKIE_TEXT.exec(await readFile(file, 'latin1').catch((error) => refuse(file, error)))
  if (text === null) throw new OptionError(`the cookie file ${file} must hold one line of printable ASCII`)
  return checkCookie(text[1]!)
}

async function statIfAny(file: string): Promise<Stats | undefined> {
  try {
    return await stat(file)
  } catch (error) {
    const isMissing =
      error instanceof Error && 'code' in error && /^(ENOENT|ENOTDIR)$/.test(String(error.code))
    return isMissing ? undefined : refuse(file, error)
  }
}

function refuse(file: string, cause: unknown): never {
  throw new OptionError(`the cookie file ${file} cannot be read: ${describeError(cause)}`, { cause })
}

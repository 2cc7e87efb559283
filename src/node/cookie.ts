/**
 * The cookie file, found, checked and where there is none made as `auth` of OTP does: `~/.erlang.cookie`, then
 * `erlang/.erlang.cookie` under the XDG configuration directory. A cookie never appears in an error or a log.
 */
import { randomBytes, randomInt } from 'node:crypto'
import type { Stats } from 'node:fs'
import { link, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { describeError, OptionError } from '../core/index.ts'

const GROUP_OR_OTHER = 0o077
/** Blanks in the line belong to the cookie, those after it do not. */
const COOKIE_TEXT = /^([ -~]+)[ \r\n]*$/

const NEW_COOKIE_LENGTH = 20

/**
 * The cookie to use: the one given, else the user's, else a new one in the user's file, where every Erlang program finds
 * it from now on.
 *
 * @throws OptionError when the file is unsafe, unreadable, or cannot be made.
 */
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
  return createCookieFile(candidates[0]!)
}

/** Whoever else makes the file at this moment, the first one wins and all read the same cookie. */
async function createCookieFile(file: string): Promise<string> {
  const letters = Array.from({ length: NEW_COOKIE_LENGTH }, () => String.fromCharCode(65 + randomInt(26)))
  const draft = `${file}.${randomBytes(8).toString('hex')}`
  try {
    await writeFile(draft, letters.join(''), { mode: 0o400, flag: 'wx' })
    await link(draft, file).catch((error: unknown) => {
      if (!hasCode(error, /^EEXIST$/)) throw error
    })
  } catch (cause) {
    const message = `no cookie, and ${file} cannot be made: ${describeError(cause)}; pass one as the option \`cookie\``
    throw new OptionError(message, { cause })
  } finally {
    await rm(draft, { force: true })
  }
  const cookie = await readCookieFile(file)
  if (cookie === undefined) throw new OptionError(`the cookie file ${file} was taken away while it was made`)
  return cookie
}

/** @throws OptionError for what can be no cookie; it is not repeated. */
export function checkCookie(cookie: string): string {
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
    return hasCode(error, /^(ENOENT|ENOTDIR)$/) ? undefined : refuse(file, error)
  }
}

function hasCode(error: unknown, code: RegExp): boolean {
  return error instanceof Error && 'code' in error && code.test(String(error.code))
}

function refuse(file: string, cause: unknown): never {
  throw new OptionError(`the cookie file ${file} cannot be read: ${describeError(cause)}`, { cause })
}

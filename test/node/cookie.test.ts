/** The rules of `auth` of OTP, tried against OTP 25. */
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { type Test, test } from 'tap'
import { resolveCookie } from '../../src/node/cookie.ts'
import { failure } from '../support/two-nodes.ts'

interface Files {
  readonly home: string
  readonly env: NodeJS.ProcessEnv
  write(path: string, text: string, mode?: number): string
}

function files(t: Test): Files {
  const home = t.testdir({})
  const write = (path: string, text: string, mode = 0o400): string => {
    const file = join(home, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
    chmodSync(file, mode)
    return file
  }
  return { home, env: { HOME: home }, write }
}

test('a cookie that is given is used, whatever the files say', async (t) => {
  const { env, write } = files(t)
  write('.erlang.cookie', 'from-file')
  t.equal(await resolveCookie('given', env), 'given')
})

test('a cookie that no BEAM could have is refused, and not repeated', async (t) => {
  for (const bad of ['', 'tab\there', 'line\n', 'ö-secret', 's'.repeat(256)]) {
    const error = await failure(resolveCookie(bad, {}))
    t.match(error, { code: 'ERR_INVALID_OPTION', message: /1 to 255 printable ASCII/ })
    if (bad !== '') t.notMatch(error.message, bad)
  }
})

test('the file in the home directory is read, its line end is not', async (t) => {
  const { env, write } = files(t)
  for (const [text, cookie] of [
    ['secret', 'secret'],
    ['secret\n', 'secret'],
    ['secret\r\n\n', 'secret'],
    ['secret\n  \n', 'secret'],
    // OTP counts blanks in the line itself as part of the cookie.
    ['  two words  \n', '  two words  '],
  ] as const) {
    write('.erlang.cookie', text, 0o600)
    t.equal(await resolveCookie(undefined, env), cookie, JSON.stringify(text))
  }
})

test('a file that holds no cookie is refused, and not repeated', async (t) => {
  const { env, write } = files(t)
  for (const text of ['', '\n', 'one\ntwo', 'tab\tsecret', 'schlüssel']) {
    write('.erlang.cookie', text, 0o600)
    const error = await failure(resolveCookie(undefined, env))
    t.match(error, { code: 'ERR_INVALID_OPTION', message: /must hold one line of printable ASCII/ })
    t.notMatch(error.message, /two|secret|schl/)
  }
})

test('the home directory comes before the XDG directory', async (t) => {
  const { env, write } = files(t)
  write('.config/erlang/.erlang.cookie', 'xdg')
  t.equal(await resolveCookie(undefined, env), 'xdg')
  write('.erlang.cookie', 'home')
  t.equal(await resolveCookie(undefined, env), 'home')
})

test('XDG_CONFIG_HOME moves the second place; an empty one counts as not set', async (t) => {
  const { env, home, write } = files(t)
  write('elsewhere/erlang/.erlang.cookie', 'moved')
  t.equal(await resolveCookie(undefined, { ...env, XDG_CONFIG_HOME: join(home, 'elsewhere') }), 'moved')
  write('.config/erlang/.erlang.cookie', 'usual')
  t.equal(await resolveCookie(undefined, { ...env, XDG_CONFIG_HOME: '' }), 'usual')
})

test('without a file one is made, as erl does, and every later program reads the same cookie', async (t) => {
  const { env, home } = files(t)
  const cookie = await resolveCookie(undefined, env)
  t.match(cookie, /^[A-Z]{20}$/)
  const file = join(home, '.erlang.cookie')
  t.equal(readFileSync(file, 'latin1'), cookie)
  t.equal(statSync(file).mode & 0o777, 0o400)
  t.same(readdirSync(home), ['.erlang.cookie'], 'nothing else is left')
  t.equal(await resolveCookie(undefined, env), cookie)
})

test('programs that make the file at the same moment agree on one cookie', async (t) => {
  const { env, home } = files(t)
  const cookies = await Promise.all(Array.from({ length: 20 }, () => resolveCookie(undefined, env)))
  t.equal(new Set(cookies).size, 1)
  t.same(readdirSync(home), ['.erlang.cookie'])
})

test('where the file cannot be made the error says so, and what to do', async (t) => {
  const { env, home } = files(t)
  const missing = join(home, 'no', 'such', 'folder')
  const error = await failure(resolveCookie(undefined, { ...env, HOME: missing }))
  t.match(error, { code: 'ERR_INVALID_OPTION', message: /cannot be made.*pass one as the option/ })
  t.ok(error.message.includes(join(missing, '.erlang.cookie')))
})

test('a file that others may touch is refused, with the command that helps', async (t) => {
  const { env, write } = files(t)
  for (const mode of [0o440, 0o404, 0o620, 0o602, 0o610]) {
    const file = write('.erlang.cookie', 'secret', mode)
    const error = await failure(resolveCookie(undefined, env))
    t.match(error, { code: 'ERR_INVALID_OPTION' }, mode.toString(8))
    t.ok(error.message.includes(`chmod 400 ${file}`))
  }
  for (const mode of [0o400, 0o600, 0o700]) {
    write('.erlang.cookie', 'secret', mode)
    t.equal(await resolveCookie(undefined, env), 'secret', mode.toString(8))
  }
})

test('a directory in the place of the file is refused', async (t) => {
  const { env, home } = files(t)
  mkdirSync(join(home, '.erlang.cookie'), { mode: 0o700 })
  t.match(await failure(resolveCookie(undefined, env)), {
    code: 'ERR_INVALID_OPTION',
    message: /must be a regular file/,
  })
})

test('a link to a cookie file is followed, as mounted secrets need it', async (t) => {
  const { env, home, write } = files(t)
  const target = write('secrets/cookie', 'linked')
  symlinkSync(target, join(home, '.erlang.cookie'))
  t.equal(await resolveCookie(undefined, env), 'linked')
  chmodSync(target, 0o444)
  t.match(await failure(resolveCookie(undefined, env)), { message: /accessible by its owner only/ })
})

test('a file that cannot be read is named', async (t) => {
  const { env, home } = files(t)
  symlinkSync(join(home, '.erlang.cookie'), join(home, '.erlang.cookie'))
  t.match(await failure(resolveCookie(undefined, env)), {
    code: 'ERR_INVALID_OPTION',
    message: /\.erlang\.cookie cannot be read: ELOOP/,
  })
})

/** docs/errors.md has every code that the source can give, and no other. */
import { readdir, readFile } from 'node:fs/promises'
import { test } from 'tap'

const ROOT = new URL('../', import.meta.url)
const CODE = /\bERR_[A-Z0-9]+(?:_[A-Z0-9]+)+\b/g
/** Codes of Node that we look for in errors of Node. */
const NOT_OURS = new Set([
  'ERR_UNKNOWN_FILE_EXTENSION',
  'ERR_WORKER_OUT_OF_MEMORY',
  'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'ERR_TLS_HANDSHAKE_TIMEOUT',
])

async function codesInSource(): Promise<Set<string>> {
  const files = (await readdir(new URL('src/', ROOT), { recursive: true })).filter((file) =>
    file.endsWith('.ts'),
  )
  const texts = await Promise.all(files.map((file) => readFile(new URL(`src/${file}`, ROOT), 'utf8')))
  const code = texts.map((text) => text.replace(/\/\*[\s\S]*?\*\//g, ''))
  return new Set(code.flatMap((text) => text.match(CODE) ?? []).filter((found) => !NOT_OURS.has(found)))
}

async function codesInTable(): Promise<string[]> {
  const text = await readFile(new URL('docs/errors.md', ROOT), 'utf8')
  return [...text.matchAll(/^\| `(ERR_[A-Z0-9_]+)` \|/gm)].map(([, code]) => code!)
}

test('every error code is documented once, and nothing else is', async (t) => {
  const documented = await codesInTable()
  t.ok(documented.length > 50, 'the table was found')
  t.same(documented.length, new Set(documented).size, 'no code stands twice')
  t.same([...documented].sort(), [...(await codesInSource())].sort())
})

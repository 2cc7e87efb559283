/** Reading the machine's Debian mirror from its apt configuration. */
import { test } from 'tap'
import { mirrorOf, osRelease, parseDeb822Format, parseListFormat } from '../../scripts/apt-sources.ts'

const LIST = `
# deb http://commented.test/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] http://mirror.test/debian/ bookworm main contrib # with a comment
deb-src http://source.test/debian bookworm main
deb	http://security.test/debian-security bookworm-security main
`

const DEB822 = `# a comment before
Types: deb deb-src
# a comment within
URIs: http://mirror.test/debian
 http://second.test/debian
Suites: bookworm
 bookworm-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 Types: deb
 -----END PGP PUBLIC KEY BLOCK-----

Types: deb
URIs: http://off.test/debian
Suites: bookworm
Enabled: no

types: deb-src
uris: http://source.test/debian
suites: bookworm
`

test('the one-line format gives each deb line with its suite', async (t) => {
  t.strictSame(parseListFormat(LIST), [
    { uri: 'http://mirror.test/debian/', suites: ['bookworm'] },
    { uri: 'http://security.test/debian-security', suites: ['bookworm-security'] },
  ])
})

test('the deb822 format gives each address of the enabled binary stanzas', async (t) => {
  const suites = ['bookworm', 'bookworm-updates']
  t.strictSame(parseDeb822Format(DEB822), [
    { uri: 'http://mirror.test/debian', suites },
    { uri: 'http://second.test/debian', suites },
  ])
  t.strictSame(parseDeb822Format(''), [])
})

test('the mirror is the one that serves the release itself', async (t) => {
  t.equal(mirrorOf(parseListFormat(LIST), 'bookworm'), 'http://mirror.test/debian')
  t.equal(mirrorOf(parseDeb822Format(DEB822), 'bookworm'), 'http://mirror.test/debian')
  t.equal(mirrorOf(parseListFormat(LIST), 'trixie'), undefined)
  t.equal(mirrorOf([{ uri: 'cdrom:[Debian]/', suites: ['bookworm'] }], 'bookworm'), undefined)
})

test('os-release values come without their quotes', async (t) => {
  const text = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_CODENAME=bookworm\n'
  t.equal(osRelease('ID', text), 'debian')
  t.equal(osRelease('VERSION_CODENAME', text), 'bookworm')
  t.equal(osRelease('PRETTY_NAME', text), 'Debian GNU/Linux 12 (bookworm)')
  t.equal(osRelease('ID_LIKE', text), undefined)
})

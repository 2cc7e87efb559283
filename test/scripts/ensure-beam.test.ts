/** What `npm test` does where Erlang and Elixir are missing or too old. */
import { test } from 'tap'
import { planInstall, tooOld } from '../../scripts/ensure-beam.ts'

const ROOT_ON_DEBIAN = { platform: 'linux', root: true, aptGet: true } as const

test('root on Debian installs with apt-get and says so first', async (t) => {
  t.strictSame(planInstall(['erl', 'elixir'], ROOT_ON_DEBIAN), {
    announce: 'erl and elixir are not on the PATH: installing elixir with apt-get',
    commands: [
      ['apt-get', 'update'],
      ['apt-get', 'install', '--yes', '--no-install-recommends', 'elixir'],
    ],
  })
})

test('everywhere else one line says what to install and what needs neither', async (t) => {
  const machines = [
    [{ ...ROOT_ON_DEBIAN, root: false }, 'sudo apt-get install elixir'],
    [{ platform: 'darwin', root: false, aptGet: false }, 'brew install elixir'],
    [{ platform: 'linux', root: true, aptGet: false }, 'install Erlang/OTP 25 or newer and Elixir 1.14'],
  ] as const
  for (const [machine, hint] of machines) {
    const plan = planInstall(['elixir'], machine)
    t.ok('refuse' in plan, machine.platform)
    const line = 'refuse' in plan ? plan.refuse : ''
    t.match(line, /^elixir is not on the PATH: /)
    t.ok(line.includes(hint), line)
    t.match(line, /"npm run test:unit" needs neither$/)
    t.notMatch(line, /\n/)
  }
})

test('versions older than the test matrix are refused in one line', async (t) => {
  for (const versions of ['25 1.14.0\n', '27 1.18.3', '29 1.20.4', '30 2.0.0-dev']) {
    t.equal(tooOld(versions), undefined, versions.trim())
  }
  t.match(tooOld('24 1.14.0'), /found OTP 24 with Elixir 1\.14, .* OTP 25 with Elixir 1\.14 or newer/)
  t.match(tooOld('25 1.13.4'), /found OTP 25 with Elixir 1\.13/)
  t.match(tooOld(''), /found OTP 0/)
})

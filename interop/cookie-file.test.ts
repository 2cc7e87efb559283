/** One cookie file for all: what we make, a BEAM reads, and the other way round. */
import { chmodSync, existsSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { OptionError, startNode } from '../src/index.ts'
import { findBeam, freePort } from './peer.ts'
import { filesFor } from './support/certificates.ts'
import { EX, startExPeer, startTsNode, type Teardown, TS } from './support/cluster.ts'

/** An empty home directory: as we name it, and as the BEAM does. */
function makeHome(t: Teardown): { ours: string; theirs: string } {
  const beam = findBeam()
  const theirs = filesFor(t, beam, {})
  return { ours: `${beam.root ?? ''}${theirs}`, theirs }
}

async function atHome<T>(home: string, run: () => Promise<T>): Promise<T> {
  const { HOME, XDG_CONFIG_HOME } = process.env
  process.env['HOME'] = home
  delete process.env['XDG_CONFIG_HOME']
  try {
    return await run()
  } finally {
    if (HOME !== undefined) process.env['HOME'] = HOME
    if (XDG_CONFIG_HOME !== undefined) process.env['XDG_CONFIG_HOME'] = XDG_CONFIG_HOME
  }
}

test('a BEAM reads the cookie file that we made', async (t) => {
  const home = makeHome(t)
  const epmdPort = await freePort()
  const node = await atHome(home.ours, () => startTsNode(t, { cookie: undefined as never, epmdPort }))
  const file = join(home.ours, '.erlang.cookie')
  t.equal(statSync(file).mode & 0o777, 0o400)
  const peer = await startExPeer(t, {
    cookie: undefined,
    epmdPort,
    elixir: false,
    env: { HOME: home.theirs },
  })
  t.equal(await peer.eval('erlang:get_cookie().'), `'${readFileSync(file, 'latin1')}'`)
  t.equal(await peer.eval(`net_adm:ping('${TS}').`), 'pong')
  t.equal(await node.ping(EX), 'pong')
})

test('we read the cookie file that a BEAM made, and refuse it when others may read it', async (t) => {
  const home = makeHome(t)
  const epmdPort = await freePort()
  const first = await startTsNode(t, { name: 'first@127.0.0.1', epmdPort })
  t.ok(first.hasEmbeddedEpmd)
  const peer = await startExPeer(t, {
    cookie: undefined,
    epmdPort,
    elixir: false,
    env: { HOME: home.theirs },
  })
  const file = join(home.ours, '.erlang.cookie')
  t.ok(existsSync(file))
  const node = await atHome(home.ours, () => startTsNode(t, { cookie: undefined as never, epmdPort }))
  t.equal(await node.ping(EX), 'pong')
  t.equal(await peer.eval(`net_adm:ping('${TS}').`), 'pong')
  await node.stop()
  chmodSync(file, 0o440)
  await t.rejects(
    atHome(home.ours, () => startNode({ name: TS, epmdPort })),
    OptionError,
  )
  rmSync(file)
})

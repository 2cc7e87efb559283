/**
 * The import rules of the source tree. The first test is the rule book applied to the tree as it is; the others make
 * sure that the checker sees what it is there to see.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { test } from 'tap'
import { checkLayers, findImports, type LayerRules, type SourceFiles } from './support/layers.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FOLDERS = ['src', 'examples', 'interop']

const RULES: LayerRules = {
  matrix: {
    core: {},
    etf: { core: 'all' },
    msgpack: { core: 'all', etf: 'all' },
    net: { core: 'all' },
    epmd: { core: 'all', net: 'all' },
    dist: { core: 'all', etf: 'all', net: 'types' },
    runtime: { core: 'all', etf: 'all' },
    node: { core: 'all', etf: 'all', net: 'all', epmd: 'all', dist: 'all', runtime: 'all' },
    services: { core: 'all', etf: 'all', runtime: 'all', node: 'types' },
    pubsub: { core: 'all', etf: 'all', runtime: 'all' },
    telemetry: { core: 'all', etf: 'types' },
    supervisor: {
      core: 'all',
      etf: 'all',
      runtime: 'all',
      node: 'types',
      // The registry of distributed supervisors is pg; nothing else of the services is theirs.
      services: { from: /\/distributed-supervisor\.ts$/, names: /pg/i, otherwise: 'nothing' },
    },
  },
  rootFiles: ['src/index.ts', 'src/start.ts', 'src/program.ts', 'src/beam-node.ts'],
  entries: [
    'src/index.ts',
    'src/etf/index.ts',
    'src/msgpack/index.ts',
    'src/epmd/index.ts',
    'src/supervisor/index.ts',
    'src/testing/index.ts',
    'src/pubsub/index.ts',
    'src/telemetry/index.ts',
  ],
  consumers: ['src/cli', 'src/testing', 'examples', 'interop'],
  otherDoors: ['src/core/diagnostics.ts', 'src/core/worker.ts'],
  withoutNode: ['src/etf/index.ts', 'src/msgpack/index.ts'],
  sockets: {
    modules: ['node:net', 'node:tls', 'node:dgram', 'node:http', 'node:https', 'node:http2', 'node:dns'],
    folders: ['net'],
  },
  packages: readPackages(),
}

/** What users get with the package, or bring along. */
function readPackages(): string[] {
  const text = readFileSync(`${ROOT}/package.json`, 'utf8')
  const { dependencies, peerDependencies } = JSON.parse(text) as Record<string, object | undefined>
  return Object.keys({ ...dependencies, ...peerDependencies })
}

test('the source tree keeps the import rules', async (t) => {
  const files = readTree()
  t.ok(files.has('src/core/index.ts'), 'the tree was read')
  t.strictSame(checkLayers(files, RULES), [])
})

test('imports are found in every form', async (t) => {
  const text = `
import a from './a.ts'
import * as b from "./b.ts"
import { c, type D } from './c.ts'
import type { E } from './e.ts'
import {
  type F,
  type G as H,
} from './f.ts'
import './i.ts'
export { j as default } from './j.ts'
export type { K } from './k.ts'
const lazy = await import('./l.ts')
/** import { no } from './no-1.ts' */
// import { no } from './no-2.ts'
/*
import { no } from './no-3.ts'
*/
export const path = './no-4.ts'
`
  t.strictSame(
    findImports(text).map(({ specifier, typeOnly, names }) => [specifier, typeOnly, ...names]),
    [
      ['./a.ts', false, 'a'],
      ['./b.ts', false, '*'],
      ['./c.ts', false, 'c', 'D'],
      ['./e.ts', true, 'E'],
      ['./f.ts', true, 'F', 'G'],
      ['./i.ts', false],
      ['./j.ts', false, 'j'],
      ['./k.ts', true, 'K'],
      ['./l.ts', false, '*'],
    ],
  )
})

const CLEAN: Readonly<Record<string, string>> = {
  'src/core/index.ts': "export { Bytes } from './bytes.ts'",
  'src/core/bytes.ts': '',
  'src/core/diagnostics.ts': '',
  'src/etf/index.ts': "import { Bytes } from '../core/index.ts'\nimport { z } from 'zip'",
  'src/net/index.ts': "import { connect } from 'node:net'",
  'src/net/tcp.ts': '',
  'src/dist/index.ts': "import type { Transport } from '../net/index.ts'\nimport '../core/diagnostics.ts'",
  'src/runtime/index.ts': '',
  'src/services/index.ts': "import { type Node } from '../node/index.ts'",
  'src/services/pg.ts': '',
  'src/supervisor/index.ts': "export { DS } from './distributed-supervisor.ts'",
  'src/supervisor/distributed-supervisor.ts': "import { PgScope } from '../services/index.ts'",
  'src/node/index.ts': "import { x } from '../dist/index.ts'\nimport { y } from '../runtime/index.ts'",
  'src/start.ts': "import { x } from './node/index.ts'\nimport { s } from './services/index.ts'",
  'src/index.ts': "export { start } from './start.ts'",
  'src/cli/main.ts': "import { start } from '../index.ts'\nimport { readFile } from 'node:fs'",
  'examples/start.ts':
    "import { start } from '../src/index.ts'\nimport { encode } from '../src/etf/index.ts'",
  'interop/peer.ts': "import { connect } from 'node:net'",
}

test('a tree that keeps the rules has no violation', async (t) => {
  t.strictSame(check({}), [])
})

test('each kind of violation is found', async (t) => {
  const seeded: readonly (readonly [file: string, text: string, expected: RegExp])[] = [
    ['src/core/bytes.ts', "import { e } from '../etf/index.ts'", /core may not import/],
    ['src/dist/index.ts', "import { r } from '../runtime/index.ts'", /dist may not import/],
    ['src/runtime/index.ts', "import type { C } from '../dist/index.ts'", /runtime may not import/],
    ['src/dist/index.ts', "import { tcp } from '../net/index.ts'", /dist may not import/],
    ['src/services/index.ts', "import { Node } from '../node/index.ts'", /services may not import/],
    ['src/supervisor/index.ts', "import { PgScope } from '../services/index.ts'", /supervisor may not/],
    ['src/supervisor/distributed-supervisor.ts', "import { rpc } from '../services/index.ts'", /may not/],
    ['src/node/index.ts', "import { tcp } from '../net/tcp.ts'", /past the door/],
    ['src/start.ts', "import { pg } from './services/pg.ts'", /past the door/],
    ['src/node/index.ts', "import { s } from '../start.ts'", /nothing below may import/],
    ['src/node/index.ts', "export const load = () => import('../etf/nowhere.ts')", /not there/],
    ['src/tools.ts', "import { x } from './node/index.ts'", /directly in src/],
    ['src/cli/main.ts', "import { x } from '../node/index.ts'", /only the package's entries/],
    ['src/cli/main.ts', "import { x } from '../start.ts'", /nothing below/],
    ['examples/start.ts', "import { x } from '../src/node/index.ts'", /only the package's entries/],
    ['interop/peer.ts', "import { x } from '../src/start.ts'", /only the package's entries/],
    ['src/node/index.ts', "import { connect } from 'node:net'", /may touch a socket/],
    ['src/node/index.ts', "import { x } from 'left-pad'", /no dependency/],
    ['src/core/bytes.ts', "import type { Buffer } from 'node:buffer'", /must need no Node/],
    ['src/core/bytes.ts', "import type { I } from './index.ts'", /cycle: .*bytes\.ts/],
    ['src/net/tcp.ts', "import { x } from '../../examples/start.ts'", /outside of src/],
  ]
  for (const [file, text, expected] of seeded) {
    const violations = check({ [file]: text })
    t.ok(
      violations.some((violation) => expected.test(violation)),
      `${file} with "${text}": ${violations.join('; ') || 'nothing found'}`,
    )
  }
})

function check(changed: Readonly<Record<string, string>>): string[] {
  const files = new Map(Object.entries({ ...CLEAN, ...changed }))
  return checkLayers(files, { ...RULES, packages: ['zip'] })
}

function readTree(): SourceFiles {
  const files = new Map<string, string>()
  for (const folder of FOLDERS) {
    for (const entry of readdirSync(`${ROOT}/${folder}`, { recursive: true, encoding: 'utf8' })) {
      if (entry.endsWith('.ts')) {
        files.set(`${folder}/${entry}`, readFileSync(`${ROOT}/${folder}/${entry}`, 'utf8'))
      }
    }
  }
  return files
}

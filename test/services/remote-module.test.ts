/** Modules of other nodes as objects; the lines with `@ts-expect-error` are checked by the compiler. */
import { test } from 'tap'
import type { Term } from '../../src/etf/index.ts'
import { toFunctionName } from '../../src/services/rpc/remote-module.ts'
import { failure, TestNodes } from '../support/two-nodes.ts'

interface Accounts {
  getUser(id: number): Map<Term, Term>
  'admin?'(id: number): Promise<boolean>
  readonly notAFunction: number
}

const M = 'Elixir.MyApp.Accounts'

test('names of methods become names of functions', async (t) => {
  for (const [method, name] of [
    ['getUser', 'get_user'],
    ['get_user', 'get_user'],
    ['parseHTML', 'parse_html'],
    ['toHTTPServer', 'to_http_server'],
    ['admin?', 'admin?'],
    ['save!', 'save!'],
    ['phash2', 'phash2'],
    ['sha256Sum', 'sha256_sum'],
  ] as const) {
    t.equal(toFunctionName(method), name)
  }
})

test('a method calls the function and promises its value', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair()
  b.rpc.expose(M, {
    'get_user/1': (id) => new Map([['id', id as Term]]),
    'admin?': (id) => id === 1,
    never: () => new Promise(() => {}),
  })
  const accounts = a.module<Accounts>(b.name, M)
  const user: Map<Term, Term> = await accounts.getUser(7)
  t.equal(user.get('id'), 7)
  const isAdmin: boolean = await accounts['admin?'](1)
  t.equal(isAdmin, true)
  t.equal(accounts.getUser, accounts.getUser, 'a method is one function')
  // @ts-expect-error the argument is a number
  void accounts.getUser('7').catch(() => {})
  // @ts-expect-error there is no such function
  t.match(await failure(accounts.getUsers()), { code: 'ERR_RPC_EXIT', message: /undef/ })
  // @ts-expect-error what is no function is not there
  void accounts.notAFunction

  const untyped = a.rpc.module(b.name, M, { timeout: 100 })
  const term: Term | undefined = await untyped['getUser']?.(7)
  t.ok(term instanceof Map)
  t.match(await nodes.during(failure(untyped['never']?.() as Promise<Term>)), { code: 'ERR_RPC_TIMEOUT' })
})

test('a module may be awaited and passed around', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a')
  const accounts = a.module<Accounts>('b@b', M)
  t.equal(await accounts, accounts)
  t.equal('getUser' in accounts, true)
  t.equal('then' in accounts, false)
  t.match(await nodes.during(failure(accounts.getUser(1))), { code: 'ERR_RPC_NODEDOWN' })
})

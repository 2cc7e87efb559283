/**
 * The functions that every node answers by default, because tools and the peer libraries ask every node: what `:c`, iex
 * helpers, `erl_call`, `:observer` and `:etop` call. They read, and change nothing. Everything else is `undef`.
 */
import process from 'node:process'
import { Atom, atom, Pid, type Term, tuple } from '../../etf/index.ts'
import type { FunctionTable } from '../rpc/exposed.ts'
import { APPLICATION, applicationEntry, packageVersion } from './application.ts'
import { appmonFunctions } from './appmon.ts'
import { exposeBeforeShell } from './before-shell.ts'
import type { DescribedNode } from './described-node.ts'
import { erlangFunctions, nodesOf } from './erlang-functions.ts'
import { observerBackend, traceRelay } from './observer-backend.ts'
import { allProcessInfo, someProcessInfo } from './process-info.ts'
import { OTP_RELEASE } from './system-info.ts'
import { systemStatus } from './system-status.ts'
import { badarg, charlist } from './terms.ts'

const OK = atom('ok')
const STARTED = atom('started')
const GEN_SERVER_START = tuple(atom('gen_server'), atom('init_it'), 6)
const PLAIN_START = tuple(atom('proc_lib'), atom('init_p'), 5)

export function exposeDefaults(functions: FunctionTable, node: DescribedNode): void {
  const { runtime } = node
  const erlang = erlangFunctions(node, functions)
  const isLocal = (pid: Term | undefined): pid is Pid => pid instanceof Pid && pid.node === node.name
  const expose = functions.exposeByDefault.bind(functions)
  exposeBeforeShell(functions, node)
  expose('erlang', erlang)
  expose('Elixir.Process', {
    'alive?/1': (pid) => isLocal(pid) && runtime.isAlive(pid),
    'list/0': () => runtime.processes(),
    'registered/0': () => runtime.registered(),
    'whereis/1': (name) => (name instanceof Atom && runtime.whereis(name)) || null,
  })
  expose('Elixir.Node', {
    'self/0': () => node.name,
    'list/0': () => node.nodes('visible'),
    'list/1': (kind) => nodesOf(node, kind),
    'alive?/0': () => true,
  })
  expose('Elixir.System', { 'otp_release/0': () => OTP_RELEASE })
  expose('code', {
    'is_loaded/1': () => false,
    'which/1': () => atom('non_existing'),
  })
  expose('rpc', {
    'pinfo/1': (pid) => (isLocal(pid) ? allProcessInfo(runtime, pid) : badarg()),
    'pinfo/2': (pid, item) => (isLocal(pid) ? someProcessInfo(runtime, pid, item as Term) : badarg()),
  })
  expose('init', { 'get_status/0': () => tuple(STARTED, STARTED) })
  expose('os', {
    'getpid/0': () => charlist(String(process.pid)),
    'type/0': () => tuple(atom(process.platform === 'win32' ? 'win32' : 'unix'), atom(process.platform)),
  })
  expose('application', {
    'which_applications/0': () => [applicationEntry()],
    'which_applications/1': () => [applicationEntry()],
    'loaded_applications/0': () => [applicationEntry()],
    'get_key/2': (application, key) =>
      application === APPLICATION && key === atom('vsn')
        ? tuple(OK, charlist(packageVersion()))
        : atom('undefined'),
  })
  expose('proc_lib', {
    'translate_initial_call/1': (pid) => {
      const isServer = isLocal(pid) && runtime.processInfo(pid)?.kind === 'server'
      return isServer ? GEN_SERVER_START : PLAIN_START
    },
  })
  // Whoever shows the state of a server asks first of what behaviour it is.
  expose('gen_server', { 'module_info/1': () => [] })
  expose('sys', {
    'get_status/1': (server) => systemStatus(runtime, server),
    'get_status/2': (server, timeout) => systemStatus(runtime, server, timeout),
  })
  expose('observer_backend', observerBackend(node))
  expose('dbg', traceRelay())
  expose('appmon_info', appmonFunctions(node))
}

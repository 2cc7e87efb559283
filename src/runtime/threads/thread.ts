/** What runs in a worker thread: a server class or a process function that a module exports, named by its URL. */
import type { ResourceLimits } from 'node:worker_threads'
import { OptionError } from '../../core/index.ts'
import { ProcessError } from '../errors.ts'
import { GenServer } from '../gen-server.ts'
import type { ServerClass } from '../server-callbacks.ts'

export interface ThreadOptions {
  /** Name in logs, and the Elixir module of a child; default: the name of the file, `pdf-renderer.js` is `PdfRenderer`. */
  readonly name?: string
  /**
   * Memory of the JavaScript engine in MiB, as Node's `resourceLimits`. A thread that needs more ends with the reason
   * `{:memory_limit, [max_old_generation_size_mb: 64]}`. Buffers are outside of it. Default: as Node has it.
   */
  readonly resourceLimits?: ResourceLimits
  /** Environment variables; default: a copy of this process's. */
  readonly env?: NodeJS.ProcessEnv
  /** Options of Node for the thread; default: those of this process. */
  readonly execArgv?: readonly string[]
}

export interface ThreadDefinition {
  readonly url: string
  readonly name: string
  readonly options: ThreadOptions
}

const definitions = new WeakMap<object, ThreadDefinition>()

/** What `thread` was given, of the class that it made; undefined for classes that run in this thread. */
export function threadOf(server: object): ThreadDefinition | undefined {
  return definitions.get(server)
}

/**
 * A server that runs in a worker thread of its own: goes wherever a server class goes. The module's default export is a
 * class that extends `GenServer`, or a function as `spawn` takes it. An endless loop in it stops nobody else, and
 * `exit(pid, kill)` ends it.
 *
 * Its process has a pid of this node and does what every process does. Messages to and from it are copied as terms, as
 * between nodes; what `init` gets may be any value that can be cloned. See docs/threads.md.
 *
 * @throws OptionError for a module that is no URL and no absolute path.
 * @example
 * const Renderer = thread(new URL('../../examples/renderer.ts', import.meta.url), { resourceLimits: { maxOldGenerationSizeMb: 256 } })
 * const renderer = await node.startLink(Renderer, { title: 'Hello' })
 * await node.call(renderer, tuple(atom('render'), 'world')) // '<h1>Hello, world</h1>'
 */
export function thread(module: URL | string, options: ThreadOptions = {}): ServerClass {
  const url = toUrl(module)
  const name = options.name ?? className(url)

  class Threaded extends GenServer {
    override init(): never {
      throw new ProcessError(
        'ERR_RUNTIME_NOT_STARTED',
        `${name} runs in a thread: start it, do not construct it`,
      )
    }
  }
  Object.defineProperty(Threaded, 'name', { value: name })
  definitions.set(Threaded, { url, name, options })
  return Threaded
}

function toUrl(module: URL | string): string {
  const text = String(module)
  if (URL.canParse(text) && !/^[a-z]:[\\/]/i.test(text)) return new URL(text).href
  throw new OptionError(
    `a thread needs the URL of its module, such as new URL('./renderer.js', import.meta.url), got ${JSON.stringify(text)}`,
  )
}

/** `file:///app/pdf-renderer.js` gives `PdfRenderer`. */
function className(url: string): string {
  const file = decodeURIComponent(new URL(url).pathname.split('/').pop() ?? '').replace(/\.\w+$/, '')
  const name = file.replace(/(?:^|[^\p{L}\p{N}]+)(\p{L}|\p{N}|$)/gu, (_, first: string) =>
    first.toUpperCase(),
  )
  return name === '' ? 'Thread' : name
}

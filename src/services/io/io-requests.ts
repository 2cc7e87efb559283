/** The requests of the I/O protocol and their answers (protocol.md 9.6), on any device. */
import { Atom, atom, type Encodable, type Term, Tuple, tuple } from '../../etf/index.ts'
import { charsToText } from './chars.ts'
import { erlangTerm } from './erlang-syntax.ts'
import { formatErlang } from './format.ts'
import type { IoDevice } from './io-device.ts'

const EOF = atom('eof')
const ENOTSUP = atom('enotsup')
const ERROR = atom('error')
const LATIN1 = atom('latin1')
const OK = atom('ok')
const PUT_CHARS = atom('put_chars')
const REQUEST = atom('request')
const UNICODE = atom('unicode')
const OPTIONS = [tuple(atom('binary'), true), tuple(atom('encoding'), UNICODE)]

/** Whether the device is asked for input, which may take as long as somebody types. */
export function wantsInput(request: Term): boolean {
  if (!(request instanceof Tuple) || !(request[0] instanceof Atom)) return false
  if (request[0].name === 'requests')
    return Array.isArray(request[1]) && (request[1] as Term[]).some(wantsInput)
  return request[0].name.startsWith('get_') && request[0].name !== 'get_geometry'
}

/** The reply; never rejects because of the request. */
export async function answerIo(device: IoDevice, request: Term): Promise<Encodable> {
  if (request === atom('getopts')) return OPTIONS
  if (!(request instanceof Tuple)) return tuple(ERROR, REQUEST)
  const [kind, ...args] = [...request] as Term[]
  switch (kind instanceof Atom ? kind.name : '') {
    case 'put_chars':
      return putChars(device, args)
    case 'get_line':
      return getLine(device, args)
    case 'get_geometry':
      return geometry(device, args[0])
    case 'setopts':
      return OK
    case 'requests':
      return all(device, args[0])
    case 'get_chars':
    case 'get_until':
    case 'get_password':
      return device.readLine === undefined ? EOF : tuple(ERROR, ENOTSUP)
    default:
      return tuple(ERROR, REQUEST)
  }
}

/** `{Enc, Chars}`, `{Enc, M, F, Args}`, and both without the encoding, which is Latin-1 then. */
async function putChars(device: IoDevice, args: Term[]): Promise<Encodable> {
  const hasEncoding = (args.length === 2 || args.length === 4) && (args[0] === UNICODE || args[0] === LATIN1)
  const encoding = hasEncoding && args[0] === UNICODE ? 'unicode' : 'latin1'
  const what = hasEncoding ? args.slice(1) : args
  const text = what.length === 1 ? charsToText(what[0] as Term, encoding) : called(what)
  if (text === undefined)
    return tuple(ERROR, what.length === 1 ? PUT_CHARS : tuple(PUT_CHARS, ...(what as Encodable[])))
  await device.write(text)
  return OK
}

/** What `Module:Function(Args)` of `io_lib` gives; no other module is known. */
function called([module, name, args]: Term[]): string | undefined {
  if (module !== atom('io_lib') || !(name instanceof Atom) || !Array.isArray(args)) return undefined
  const [first, second] = args as Term[]
  const syntax = { unicode: true, depth: 1_000 }
  switch (`${name.name}/${args.length}`) {
    case 'format/2':
    case 'fwrite/2':
      return Array.isArray(second) ? formatErlang(first as Term, second as Term[]) : undefined
    case 'nl/0':
      return '\n'
    case 'write/1':
      return erlangTerm(first as Term, { ...syntax, strings: false })
    case 'print/1':
      return erlangTerm(first as Term, { ...syntax, strings: true })
    default:
      return undefined
  }
}

async function getLine(device: IoDevice, args: Term[]): Promise<Encodable> {
  if (device.readLine === undefined) return EOF
  const prompt = charsToText(args.at(-1) as Term) ?? ''
  return (await device.readLine(prompt)) ?? EOF
}

function geometry({ size }: IoDevice, what: Term | undefined): Encodable {
  const found = size?.()
  if (found !== undefined && what === atom('columns')) return found.columns
  if (found !== undefined && what === atom('rows')) return found.rows
  return tuple(ERROR, ENOTSUP)
}

/** The reply of the last one, or of the first that failed. */
async function all(device: IoDevice, requests: Term | undefined): Promise<Encodable> {
  if (!Array.isArray(requests)) return tuple(ERROR, REQUEST)
  let reply: Encodable = OK
  for (const request of requests) {
    reply = await answerIo(device, request as Term)
    if (reply instanceof Tuple && reply[0] === ERROR) break
  }
  return reply
}

/** A DNS server for tests: answers A, AAAA and SRV from a table, and can be told to fail (RFC 1035, 2782). */
import { createSocket, type Socket } from 'node:dgram'

export interface DnsZone {
  readonly A?: readonly string[]
  readonly AAAA?: readonly string[]
  readonly SRV?: readonly { readonly name: string; readonly port: number }[]
}

const TYPES: Readonly<Record<number, keyof DnsZone>> = { 1: 'A', 28: 'AAAA', 33: 'SRV' }
const NO_SUCH_NAME = 3
const SERVER_FAILED = 2
const HEADER_BYTES = 12

export class DnsServer {
  readonly zones = new Map<string, DnsZone>()
  /** Names that were asked for, with the type: `app A`. */
  readonly asked: string[] = []
  isFailing = false
  readonly #socket: Socket

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('message', (query, { address, port }) => socket.send(this.#answer(query), port, address))
  }

  static async start(): Promise<DnsServer> {
    const socket = createSocket('udp4')
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
    return new DnsServer(socket)
  }

  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()))
  }

  #answer(query: Buffer): Buffer {
    const { name, end } = readName(query, HEADER_BYTES)
    const type = query.readUInt16BE(end)
    const question = query.subarray(HEADER_BYTES, end + 4)
    const kind = TYPES[type]
    this.asked.push(`${name} ${kind}`)
    const zone = this.zones.get(name)
    const records = kind === undefined || zone === undefined ? [] : recordsOf(zone, kind)
    const header = Buffer.alloc(HEADER_BYTES)
    header.writeUInt16BE(query.readUInt16BE(0), 0)
    header.writeUInt16BE(0x8180 | (this.isFailing ? SERVER_FAILED : zone === undefined ? NO_SUCH_NAME : 0), 2)
    header.writeUInt16BE(1, 4)
    header.writeUInt16BE(this.isFailing ? 0 : records.length, 6)
    if (this.isFailing) return Buffer.concat([header, question])
    const answers = records.map((data) => {
      const record = Buffer.alloc(12)
      // A pointer to the name in the question, class IN, no time to live.
      record.writeUInt16BE(0xc000 | HEADER_BYTES, 0)
      record.writeUInt16BE(type, 2)
      record.writeUInt16BE(1, 4)
      record.writeUInt16BE(data.length, 10)
      return Buffer.concat([record, data])
    })
    return Buffer.concat([header, question, ...answers])
  }
}

function recordsOf(zone: DnsZone, kind: keyof DnsZone): Buffer[] {
  if (kind === 'A') return (zone.A ?? []).map((address) => Buffer.from(address.split('.').map(Number)))
  if (kind === 'AAAA') return (zone.AAAA ?? []).map(ipv6)
  return (zone.SRV ?? []).map(({ name, port }) => {
    const fixed = Buffer.alloc(6)
    fixed.writeUInt16BE(port, 4)
    return Buffer.concat([fixed, ...name.split('.').map(label), Buffer.from([0])])
  })
}

function label(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text)])
}

function ipv6(address: string): Buffer {
  const [before = '', after] = address.split('::')
  const left = before === '' ? [] : before.split(':')
  const right = after === undefined || after === '' ? [] : after.split(':')
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0')
  const bytes = Buffer.alloc(16)
  for (const [index, group] of [...left, ...zeros, ...right].entries()) {
    bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2)
  }
  return bytes
}

function readName(packet: Buffer, start: number): { name: string; end: number } {
  const labels: string[] = []
  let at = start
  for (let length = packet[at] as number; length !== 0; length = packet[at] as number) {
    labels.push(packet.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 }
}

/** A peer of raw bytes: a socket that says what it is told to, right or wrong. The handshake here is written by hand. */
import { createHash } from 'node:crypto'
import { connect, type Socket } from 'node:net'

/** What OTP 29 offers. */
export const FLAGS = 0x6d07df7fbdn
const CHALLENGE = 42

/** The messages of the initiator, and the acceptor's challenge, without length. */
export const HANDSHAKE = {
  name: (name: string, flags = FLAGS): Buffer => {
    const head = Buffer.alloc(15)
    head.write('N', 'latin1')
    head.writeBigUInt64BE(flags, 1)
    head.writeUInt32BE(7, 9)
    head.writeUInt16BE(name.length, 13)
    return Buffer.concat([head, Buffer.from(name, 'latin1')])
  },
  oldName: (name: string): Buffer => {
    const head = Buffer.from([0x6e, 0, 5, 0, 0, 0, 0])
    head.writeUInt32BE(Number(FLAGS & 0xffff_ffffn), 3)
    return Buffer.concat([head, Buffer.from(name, 'latin1')])
  },
  status: (text: string): Buffer => Buffer.from(`s${text}`, 'latin1'),
  complement: (): Buffer => {
    const bytes = Buffer.alloc(9)
    bytes.write('c', 'latin1')
    bytes.writeUInt32BE(Number(FLAGS >> 32n), 1)
    bytes.writeUInt32BE(7, 5)
    return bytes
  },
  /** The acceptor's: its name, flags and challenge. */
  challenge: (name: string, challenge: number): Buffer => {
    const head = Buffer.alloc(19)
    head.write('N', 'latin1')
    head.writeBigUInt64BE(FLAGS, 1)
    head.writeUInt32BE(challenge, 9)
    head.writeUInt32BE(7, 13)
    head.writeUInt16BE(name.length, 17)
    return Buffer.concat([head, Buffer.from(name, 'latin1')])
  },
  reply: (cookie: string, challenge: number): Buffer => {
    const head = Buffer.alloc(5)
    head.write('r', 'latin1')
    head.writeUInt32BE(CHALLENGE, 1)
    return Buffer.concat([head, digest(cookie, challenge)])
  },
  ack: (cookie: string): Buffer => Buffer.concat([Buffer.from('a'), digest(cookie, CHALLENGE)]),
}

function digest(cookie: string, challenge: number): Buffer {
  return createHash('md5').update(`${cookie}${challenge}`, 'latin1').digest()
}

export function framed(message: Uint8Array, prefix: 2 | 4): Buffer {
  const length = Buffer.alloc(prefix)
  length.writeUIntBE(message.length, 0, prefix)
  return Buffer.concat([length, message])
}

export class RawPeer {
  readonly #socket: Socket
  #received = Buffer.alloc(0)
  #wake: () => void = () => {}
  /** Resolves when the connection is gone, whoever ended it. */
  readonly closed: Promise<void>
  #isClosed = false

  constructor(port: number, host = '127.0.0.1') {
    this.#socket = connect(port, host)
    this.#socket.on('error', () => {})
    this.#socket.on('data', (bytes) => {
      this.#received = Buffer.concat([this.#received, bytes])
      this.#wake()
    })
    this.closed = new Promise((resolve) => {
      this.#socket.once('close', () => {
        this.#isClosed = true
        this.#wake()
        resolve()
      })
    })
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  write(bytes: Uint8Array): void {
    if (!this.#isClosed) this.#socket.write(bytes)
  }

  /** A handshake message. */
  say(message: Uint8Array): void {
    this.write(framed(message, 2))
  }

  /** A frame of a connection that is up. */
  frame(message: Uint8Array): void {
    this.write(framed(message, 4))
  }

  /** Takes the next message; undefined when the connection ended before it was there. */
  async next(prefix: 2 | 4 = 2): Promise<Buffer | undefined> {
    for (;;) {
      const have = this.#received
      if (have.length >= prefix) {
        const length = have.readUIntBE(0, prefix)
        if (have.length >= prefix + length) {
          this.#received = have.subarray(prefix + length)
          return have.subarray(prefix, prefix + length)
        }
      }
      if (this.#isClosed) return undefined
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** The whole handshake up to the peer's proof of the cookie. */
  async join(name: string, cookie: string): Promise<void> {
    this.say(HANDSHAKE.name(name))
    const status = (await this.next())?.toString('latin1')
    if (status !== 'sok') throw new Error(`${name} heard ${status}`)
    const challenge = await this.next()
    if (challenge === undefined) throw new Error(`${name} was not challenged`)
    this.say(HANDSHAKE.reply(cookie, challenge.readUInt32BE(9)))
    const ack = await this.next()
    if (ack === undefined || !ack.equals(HANDSHAKE.ack(cookie))) throw new Error(`${name} got no proof`)
  }

  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }
}

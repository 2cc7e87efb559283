/** Addresses as text. Pure. */
import { isIPv4 } from 'node:net'
import type { Endpoint } from './transport.ts'

/** `127.0.0.1:4369`, `[::1]:4369`; `*:4369` for every interface. */
export function formatEndpoint({ host, port }: Endpoint): string {
  if (host === '') return `*:${port}`
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** A dual-stack socket shows IPv4 peers as `::ffff:10.0.0.7`; everybody else knows them as `10.0.0.7`. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address
}

/** True for 127.0.0.0/8 and `::1`: addresses that only this machine can use. */
export function isLoopbackAddress(address: string): boolean {
  return address === '::1' || /^127(\.\d{1,3}){3}$/.test(address)
}

export { isIPv4 }

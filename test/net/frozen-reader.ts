/**
 * The other end of the sockets of frozen-writes.test.ts, in a process of its own: reads frames (a length of four bytes,
 * then so many bytes, each the low byte of the length) and says at the end of the stream what it saw, as JSON.
 */
import { createServer } from 'node:net'

const server = createServer((socket) => {
  let pending = Buffer.alloc(0)
  const seen = { frames: 0, beats: 0, bad: 0, bytes: 0, longestSilence: 0 }
  let last = performance.now()
  // Reads in bursts, so that the buffers of the kernel fill.
  const slow = setInterval(() => {
    socket.pause()
    setTimeout(() => socket.resume(), 5)
  }, 20)
  socket.on('data', (chunk) => {
    const now = performance.now()
    seen.longestSilence = Math.max(seen.longestSilence, now - last)
    last = now
    seen.bytes += chunk.length
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
    while (pending.length >= 4) {
      const length = pending.readUInt32BE(0)
      if (length > 5_000_000) {
        seen.bad++
        break
      }
      if (pending.length < 4 + length) break
      if (length === 0) seen.beats++
      else {
        seen.frames++
        if (pending.subarray(4, 4 + length).some((byte) => byte !== (length & 255))) seen.bad++
      }
      pending = pending.subarray(4 + length)
    }
  })
  socket.on('end', () => {
    clearInterval(slow)
    console.log(JSON.stringify({ ...seen, left: pending.length }))
    socket.end()
    server.close()
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  console.log(typeof address === 'object' ? address?.port : undefined)
})

/** The codec's tests in a browser: bundled, loaded by a page, and their results posted back. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'tap'
import { bundleTests } from './support/bundle.ts'
import { openPage, whyNotChromium } from './support/chromium.ts'
import { reportAll } from './support/results.ts'

const PAGE = `<!doctype html>
<meta charset="utf-8">
<title>The tests of the codec</title>
<script>addEventListener('error', ({ message }) => fetch('/failed', { method: 'POST', body: message }))</script>
<script src="/tests.js"></script>`

interface Visit {
  readonly url: string
  readonly results: Promise<string>
  close(): Promise<void>
}

/** Serves the page and its script on the loopback interface, and takes what they post. */
async function serve(script: string): Promise<Visit> {
  let done: { resolve(text: string): void; reject(error: Error): void } | undefined
  const results = new Promise<string>((resolve, reject) => {
    done = { resolve, reject }
  })
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    const body: Buffer[] = []
    for await (const chunk of request) body.push(chunk as Buffer)
    const text = Buffer.concat(body).toString('utf8')
    const isScript = request.url === '/tests.js'
    response.setHeader('content-type', isScript ? 'text/javascript; charset=utf-8' : 'text/html')
    response.end(isScript ? script : request.url === '/' ? PAGE : '')
    if (request.url === '/results') done?.resolve(text)
    if (request.url === '/failed') done?.reject(new Error(`the page failed: ${text}`))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, results, close }
}

test("the codec's tests pass in Chromium", { skip: whyNotChromium(), timeout: 300_000 }, async (t) => {
  const script = await bundleTests("(text) => fetch('/results', { method: 'POST', body: text })")
  const visit = await serve(script)
  t.teardown(() => visit.close())
  const browser = openPage(visit.url)
  t.teardown(() => browser.close())
  const ended = browser.exited.then((how) => {
    throw new Error(`the browser ended without results: ${how}`)
  })
  await reportAll(t, await Promise.race([visit.results, ended]))
})

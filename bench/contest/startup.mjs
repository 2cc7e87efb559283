// Starts a node and prints how long that took, the import of the compiled package included.
const begun = performance.now()
const { startNode, silentLogger } = await import(new URL('../.build/index.js', import.meta.url).href)
const [name, cookie, epmdPort] = process.argv.slice(2)
await startNode({ name, cookie, epmdPort: Number(epmdPort), logger: silentLogger })
process.stdout.write(`${performance.now() - begun}\n`)

/** The programs of docs/testing.md and docs/threads.md are type-checked, and that of the test kit runs. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { test } from 'tap'
import { typeCheck } from '../../interop/support/type-check.ts'

const ROOT = new URL('../../', import.meta.url)

async function programs(file: string): Promise<string[]> {
  const text = await readFile(new URL(`docs/${file}`, ROOT), 'utf8')
  const blocks = [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, block]) => block as string)
  return blocks.map((block) =>
    block
      .replaceAll("'beamjoin/testing'", "'../../src/testing/index.ts'")
      .replaceAll("'beamjoin'", "'../../src/index.ts'"),
  )
}

test('the programs of the guides are right', async (t) => {
  const folder = new URL(`.tap/docs-${process.pid}/`, ROOT)
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  await mkdir(folder, { recursive: true })
  const [kit = '', ...more] = await programs('testing.md')
  t.same(more, [])
  const [renderer = '', pool = ''] = await programs('threads.md')
  await writeFile(new URL('kit.ts', folder), kit)
  await writeFile(new URL('renderer.ts', folder), renderer)
  await writeFile(
    new URL('pool.ts', folder),
    `import { startNode, threadPool } from '../../src/index.ts'
export async function main(node: Awaited<ReturnType<typeof startNode>>): Promise<void> {\n${pool}}\n`,
  )
  t.same([...(await typeCheck(folder))], [])
  await t.resolves(import(new URL('kit.ts', folder).href))
})

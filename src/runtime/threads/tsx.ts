/** Where tsx is, which lets Node load modules in TypeScript. */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

/** The URL of tsx's `register`, as the module at `url` would import it; undefined when it is not installed there. */
export function findTsx(url: string): string | undefined {
  try {
    const path = createRequire(url).resolve('tsx/esm/api')
    // Found as `require` finds it, but only the module for `import` is complete.
    return pathToFileURL(path.replace(/\.cjs$/, '.mjs')).href
  } catch {
    return undefined
  }
}

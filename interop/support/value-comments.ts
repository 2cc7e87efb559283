/**
 * Comments behind code that say what its value is, as in the documentation: `await node.ping('n1@127.0.0.1') // 'pong'`.
 * Here they become checks of what `console.log` would print. A comment that is no literal is a remark and stays one.
 */
import { equal } from 'node:assert/strict'
import { inspect as print } from 'node:util'
import { decode, EXACT, inspect } from '../../src/etf/index.ts'

/** Indentation, `const name = ` with or without a type, an expression, the comment. */
const LINE = /^(\s*)(const (\w+)(?:: [^=]*)? = )?(\S.*?)\s+\/\/ (.+)$/
const LITERAL = /^(?:-?\d[\w.]*|'[^']*'|"[^"]*"|true|false|null|undefined|:\w+|[[{%~&<].*[\]}>\d])$/
const VERSION = 131

/** The code with a call of `checkValue` for every literal in a comment. */
export function withValueChecks(code: string): { readonly code: string; readonly checks: number } {
  let checks = 0
  const lines = code.split('\n').map((line) => {
    const [, indent, declaration, name, expression, comment = ''] = LINE.exec(line) ?? []
    if (!LITERAL.test(comment) || comment.includes('...')) return line
    checks++
    const literal = JSON.stringify(comment)
    return declaration === undefined
      ? `${indent}checkValue(await (${expression}), ${literal})`
      : `${indent}${declaration}${expression}; checkValue(${name}, ${literal})`
  })
  return { code: lines.join('\n'), checks }
}

/** Compares a value with what a comment says it prints as; bytes of `encode` are compared as the term in them. */
export function checkValue(value: unknown, literal: string): void {
  const isEncoded = value instanceof Uint8Array && value[0] === VERSION
  const printed = isEncoded
    ? inspect(decode(value, EXACT))
    : print(value, { depth: null, breakLength: Infinity })
  equal(withoutPadding(printed), withoutPadding(literal))
}

/** `[ 1, 2 ]` and `[1, 2]` are the same to a reader. */
function withoutPadding(text: string): string {
  return text.replace(/(?<=[[{]) | (?=[\]}])/g, '')
}

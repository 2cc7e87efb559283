/** The cursor that the parser moves over its text. */
import { ParseError } from './errors.ts'

/** Spaces, line ends and comments; but `#PID<0.1.2>` is no comment, it is something that cannot be read back. */
const SPACE = /(?:\s|#(?![A-Z]\w*<)[^\n]*(?:\n|$))*/y

export class ParseCursor {
  readonly text: string
  position = 0

  constructor(text: string) {
    this.text = text
  }

  fail(problem: string, position = this.position): ParseError {
    return new ParseError(problem, this.text, position)
  }

  /** The next character, '' at the end. */
  get next(): string {
    return this.text[this.position] ?? ''
  }

  /** What comes next, for a message. */
  get nextText(): string {
    const rest = this.text.slice(this.position)
    const word = /^(?:[\p{L}\d_]+|.)/su.exec(rest)
    return word === null ? 'the end' : JSON.stringify(word[0])
  }

  /** Steps over spaces, line ends and comments. */
  skipSpace(): void {
    SPACE.lastIndex = this.position
    SPACE.test(this.text)
    this.position = SPACE.lastIndex
  }

  startsWith(token: string): boolean {
    return this.text.startsWith(token, this.position)
  }

  /** Steps over the token if it is next. */
  accept(token: string): boolean {
    if (!this.startsWith(token)) return false
    this.position += token.length
    return true
  }

  /** Steps over what a sticky pattern matches here and returns the match. */
  match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.position
    const found = pattern.exec(this.text)
    if (found === null) return undefined
    this.position = pattern.lastIndex
    return found
  }

  expect(token: string, where: string): void {
    if (!this.accept(token)) throw this.fail(`expected ${token} ${where}, got ${this.nextText}`)
  }
}

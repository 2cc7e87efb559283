/**
 * Elixir literals as terms: what `inspect` prints, and what a person types. Nothing is evaluated: no variables, no
 * calls, no interpolation. Not supported, as they have no literal form: pids, ports, references, local funs.
 */
import { asAtom } from './kinds.ts'
import { parseBinary } from './parse-binary.ts'
import { ParseCursor } from './parse-cursor.ts'
import { parseCharacter, parseNumber } from './parse-number.ts'
import { calendarStruct, parseSigil } from './parse-sigil.ts'
import { parseQuoted, quotedBinary, quotedCharlist, quotedName } from './parse-text.ts'
import { STRUCT_KEY } from './structs.ts'
import { type Atom, atom, atomProblem } from './terms/atom.ts'
import { ExportFun } from './terms/export-fun.ts'
import type { Term } from './terms/term.ts'
import { ImproperList } from './terms/term.ts'
import { TermMap } from './terms/term-map.ts'
import { makeTuple } from './terms/tuple.ts'

/** Levels of nesting; the parser recurses. */
const MAX_DEPTH = 500

const ALIAS = /[A-Z]\w*(?:\.[A-Z]\w*)*/y
const WORD = /[\p{L}_][\p{L}\p{M}\p{N}_@]*[?!]?/uy
/** The longest first, so that `:>=` is not read as `:>`. */
const OPERATOR =
  /(?:\.\.\/\/|<<>>|%\{\}|\{\}|&&&|\|\|\||!==|===|\+\+\+|---|<<<|>>>|<<~|~>>|<~>|\.\.\.|&&|\|\||!=|==|=~|<=|>=|<>|\|>|\+\+|--|\*\*|->|<-|\\\\|<~|~>|\.\.|[!%&*+\-./<=>@^|])/y
const COLON = /:(?=\s)/y
const CONSTANT = /(?:true|false|nil)\b/y
const DATE = ['year', 'month', 'day'] as const
const MOMENT = [...DATE, 'hour', 'minute', 'second', 'microsecond'] as const
const ARITY = /\/(\d{1,3})/y

class Parser {
  readonly #cursor: ParseCursor
  #depth = 0

  constructor(text: string) {
    this.#cursor = new ParseCursor(text)
  }

  parseAll(): Term {
    const term = this.parseTerm()
    const cursor = this.#cursor
    cursor.skipSpace()
    if (cursor.next !== '') throw cursor.fail(`expected the end behind the term, got ${cursor.nextText}`)
    return term
  }

  parseTerm(): Term {
    const cursor = this.#cursor
    cursor.skipSpace()
    if (++this.#depth > MAX_DEPTH) throw cursor.fail(`more than ${MAX_DEPTH} levels of nesting`)
    const term = this.#parseOne()
    this.#depth--
    return term
  }

  #parseOne(): Term {
    const cursor = this.#cursor
    const simple = parseNumber(cursor) ?? parseCharacter(cursor) ?? parseSigil(cursor)
    if (simple !== undefined) return this.#rangeFrom(simple)
    switch (cursor.next) {
      case '"':
        return this.#parseString()
      case "'":
        cursor.position++
        return quotedCharlist(parseQuoted(cursor, "'"))
      case ':':
        return this.#parseAtom()
      case '[':
        return this.#parseList()
      case '{':
        cursor.position++
        return makeTuple(this.#parseElements('}', 'in the tuple'))
      case '%':
        return this.#parseMap()
      case '<':
        return parseBinary(cursor, () => this.parseTerm())
      case '&':
        return this.#parseExport()
      default:
        return this.#parseName()
    }
  }

  #parseString(): Term {
    const cursor = this.#cursor
    if (cursor.startsWith('"""')) throw cursor.fail('heredocs are not possible here; write "..." with \\n')
    cursor.position++
    return quotedBinary(parseQuoted(cursor, '"'))
  }

  #makeAtom(name: string, start: number): Atom {
    const problem = atomProblem(name)
    if (problem !== undefined) throw this.#cursor.fail(problem, start)
    return atom(name)
  }

  /** `:ok`, `:"quoted"`, `:+`. */
  #parseAtom(): Term {
    const cursor = this.#cursor
    const start = cursor.position++
    const quote = cursor.next
    if (quote === '"' || quote === "'") {
      cursor.position++
      return this.#makeAtom(quotedName(parseQuoted(cursor, quote)), start).term
    }
    const found = cursor.match(WORD) ?? cursor.match(OPERATOR)
    if (found === undefined)
      throw cursor.fail(`expected the name of an atom behind :, got ${cursor.nextText}`)
    return this.#makeAtom(found[0], start).term
  }

  #parseAlias(): Atom | undefined {
    const start = this.#cursor.position
    const found = this.#cursor.match(ALIAS)?.[0]
    if (found === undefined) return undefined
    const isWhole = found === 'Elixir' || found.startsWith('Elixir.')
    return this.#makeAtom(isWhole ? found : `Elixir.${found}`, start)
  }

  /** `My.Mod`, `:mod`, `nil`; undefined when something else is next. */
  #parseAtomOfAnyForm(): Term | undefined {
    const word = this.#cursor.match(CONSTANT)?.[0]
    if (word !== undefined) return word === 'nil' ? null : word === 'true'
    return this.#parseAlias() ?? (this.#cursor.next === ':' ? this.#parseAtom() : undefined)
  }

  /** `true`, `nil`, `My.Mod`; everything else that begins like a name is a mistake. */
  #parseName(): Term {
    const cursor = this.#cursor
    const start = cursor.position
    const alias = this.#parseAlias()
    if (alias !== undefined) {
      if (alias.name === 'Elixir.MapSet' && cursor.accept('.new(')) return this.#parseMapSet()
      if (cursor.accept('.new!(')) return this.#parseNew(alias, start)
      return alias
    }
    const word = cursor.match(WORD)?.[0]
    if (word === 'true' || word === 'false') return word === 'true'
    if (word === 'nil') return null
    cursor.position = start
    if (cursor.startsWith('#'))
      throw cursor.fail('pids, ports, references and funs cannot be written as text')
    const hint = word === undefined ? '' : `; an atom is written :${word}, a string "${word}"`
    throw cursor.fail(`expected a term, got ${cursor.nextText}${hint}`)
  }

  /** The list behind `MapSet.new(`, as the struct of Elixir. */
  #parseMapSet(): Term {
    const cursor = this.#cursor
    const start = cursor.position
    const elements = this.parseTerm()
    if (!Array.isArray(elements)) throw cursor.fail('expected a list of elements', start)
    cursor.skipSpace()
    cursor.expect(')', 'behind the elements')
    const map = new TermMap<Term, Term>(elements.map((element): [Term, Term] => [element, []]))
    return new Map<Term, Term>([
      [STRUCT_KEY, atom('Elixir.MapSet')],
      [atom('map'), map],
    ])
  }

  /** What inspect prints for years of five digits: `Date.new!(12024, 1, 1)`; the cursor is behind the bracket. */
  #parseNew(module: Atom, start: number): Term {
    const names = module.name === 'Elixir.Date' ? DATE : module.name === 'Elixir.NaiveDateTime' ? MOMENT : []
    const values = this.#parseElements(')', 'in the call')
    if (names.length === 0 || values.length !== names.length) {
      throw this.#cursor.fail('only Date.new! and NaiveDateTime.new! are known here, with all parts', start)
    }
    const fields = names.map((name, i): [string, Term] => [name, values[i]!])
    return calendarStruct(module.name.slice('Elixir.'.length), fields)
  }

  /** `1..3` or `1..9//2` when an integer is followed by two dots, else the number. */
  #rangeFrom(first: Term): Term {
    const cursor = this.#cursor
    if ((typeof first !== 'number' && typeof first !== 'bigint') || !cursor.accept('..')) return first
    const start = cursor.position
    const last = parseNumber(cursor)
    const step = last !== undefined && cursor.accept('//') ? parseNumber(cursor) : undefined
    if (!isInteger(first) || !isInteger(last) || !isInteger(step ?? 1)) {
      throw cursor.fail('the bounds of a range are integers', start)
    }
    return new Map<Term, Term>([
      [STRUCT_KEY, atom('Elixir.Range')],
      [atom('first'), first],
      [atom('last'), last],
      [atom('step'), step ?? (first <= last ? 1 : -1)],
    ])
  }

  #parseList(): Term {
    const cursor = this.#cursor
    cursor.position++
    const items: Term[] = []
    for (;;) {
      cursor.skipSpace()
      if (cursor.accept(']')) return items
      if (this.#isKeyword()) {
        for (const pair of this.#parseKeywords(']', 'in the list')) items.push(pair)
        return items
      }
      items.push(this.parseTerm())
      cursor.skipSpace()
      if (cursor.accept('|')) return this.#parseTail(items)
      if (cursor.accept(',')) continue
      cursor.expect(']', 'or , in the list')
      return items
    }
  }

  #parseTail(items: Term[]): Term {
    const cursor = this.#cursor
    const tail = this.parseTerm()
    cursor.skipSpace()
    cursor.expect(']', 'behind the tail of the list')
    if (Array.isArray(tail)) return [...items, ...tail]
    if (tail instanceof ImproperList) return new ImproperList([...items, ...tail.items], tail.tail)
    return new ImproperList(items, tail)
  }

  /** Elements up to `close`; keywords at the end are one list, as in `{1, a: 2}`. */
  #parseElements(close: string, where: string): Term[] {
    const cursor = this.#cursor
    const elements: Term[] = []
    for (;;) {
      cursor.skipSpace()
      if (cursor.accept(close)) return elements
      if (this.#isKeyword()) {
        elements.push(this.#parseKeywords(close, where))
        return elements
      }
      elements.push(this.parseTerm())
      cursor.skipSpace()
      if (cursor.accept(',')) continue
      cursor.expect(close, `or , ${where}`)
      return elements
    }
  }

  /** The key of `a: 1` or `"b c": 1`, with the cursor behind the colon; else undefined, and the cursor stays. */
  #parseKeywordKey(): Term | undefined {
    const cursor = this.#cursor
    const start = cursor.position
    const plain = cursor.match(WORD) ?? cursor.match(OPERATOR)
    if (plain !== undefined && cursor.match(COLON)) return this.#makeAtom(plain[0], start).term
    cursor.position = start
    const quote = cursor.next
    if (quote !== '"' && quote !== "'") return undefined
    cursor.position++
    const quoted = parseQuoted(cursor, quote)
    if (cursor.accept(':')) return this.#makeAtom(quotedName(quoted), start).term
    cursor.position = start
    return undefined
  }

  #isKeyword(): boolean {
    const start = this.#cursor.position
    const key = this.#parseKeywordKey()
    this.#cursor.position = start
    return key !== undefined
  }

  #parseKeywords(close: string, where: string): Term[] {
    return this.#parsePairs(close, where, true).map((pair) => makeTuple(pair))
  }

  /** Keys and values up to `close`, as `a: 1` or `key => 1`; after the first keyword only keywords. */
  #parsePairs(close: string, where: string, keywordsOnly: boolean): [Term, Term][] {
    const cursor = this.#cursor
    const pairs: [Term, Term][] = []
    let onlyKeywords = keywordsOnly
    for (;;) {
      cursor.skipSpace()
      if (cursor.accept(close)) return pairs
      const start = cursor.position
      let key = this.#parseKeywordKey()
      if (key !== undefined) {
        onlyKeywords = true
      } else {
        if (onlyKeywords) throw cursor.fail('behind key: value only more of them may follow', start)
        key = this.parseTerm()
        cursor.skipSpace()
        cursor.expect('=>', `behind the key ${where}`)
      }
      pairs.push([key, this.parseTerm()])
      cursor.skipSpace()
      if (cursor.accept(',')) continue
      cursor.expect(close, `or , ${where}`)
      return pairs
    }
  }

  /** `%{...}` or `%Mod{...}`. */
  #parseMap(): Term {
    const cursor = this.#cursor
    cursor.position++
    const module = this.#parseAlias()
    cursor.expect('{', module === undefined ? 'or a module behind %' : 'behind the module of the struct')
    const pairs = this.#parsePairs('}', 'in the map', false)
    const map = new TermMap<Term, Term>(module === undefined ? [] : [[STRUCT_KEY, module]])
    for (const [key, value] of pairs) map.set(key, value)
    return map
  }

  /** `&Mod.fun/1` or `&:mod.fun/1`. */
  #parseExport(): Term {
    const cursor = this.#cursor
    const start = cursor.position++
    const module = this.#parseAtomOfAnyForm()
    if (module === undefined || !cursor.accept('.')) {
      throw cursor.fail('a function is written &Mod.fun/1 or &:mod.fun/1', start)
    }
    const quoted = cursor.accept('"') ? quotedName(parseQuoted(cursor, '"')) : undefined
    const name = quoted ?? cursor.match(WORD)?.[0] ?? cursor.match(OPERATOR)?.[0]
    const arity = name === undefined ? undefined : cursor.match(ARITY)?.[1]
    if (name === undefined || arity === undefined || Number(arity) > 255) {
      throw cursor.fail('a function is written &Mod.fun/1 or &:mod.fun/1, with an arity up to 255', start)
    }
    return new ExportFun(asAtom(module), this.#makeAtom(name, start), Number(arity))
  }
}

function isInteger(value: unknown): value is number | bigint {
  return typeof value === 'bigint' || Number.isSafeInteger(value)
}

/**
 * The term that a text in Elixir's syntax stands for; the inverse of `inspect`.
 *
 * Integral floats give a `Float`, so that `1.0` is sent as a float. Literals only, of any nesting up to 500 levels.
 *
 * @throws ParseError (`ERR_ETF_PARSE`) with the position of the mistake.
 * @example
 * parseTerm('{:ok, [1, "a", nil]}') // {:ok, [1, 'a', null]}
 */
export function parseTerm(text: string): Term {
  return new Parser(text).parseAll()
}

/** Atoms, strings and charlists as Elixir writes them. */

/** Atoms that need no quotes although they are no words. */
const OPERATORS = new Set(
  (
    '! != !== % %{} & && &&& * ** + ++ +++ - -- --- -> . .. ... ..// / < <- <<< <<>> <<~ <= <> <|> <~ <~> = == === =~ ' +
    '> >= >>> @ \\\\ ^ {} | |> || ||| ~> ~>>'
  ).split(' '),
)

/** Letters of Latin alphabets; without those that Unicode advises against in identifiers, which Elixir follows. */
const LATIN = 'A-Za-zÀ-ÖØ-öø-ēĖ-īĮ-ıĴ-ķĹ-ľŁ-ňŊ-ōŐ-ŕŘ-šŤ-žƏƠơƯưǍ-ǔǦ-ǩǮǯǸǹȘ-țəḌḍḒḓḠḡḤḥḶḷḼ-ḿṂ-ṋṚṛṢṣṬṭṰṱẌẍẒẓẞẠ-ỹ'

/** Letters of other scripts, each of which makes words of its own. */
const SCRIPTS = [LATIN, 'ΆΈ-ΊΌΎ-ΡΣ-ώ', 'Ё-ЌЎ-яё-ќў-џ', 'Ա-Ֆա-ֆ', 'א-ת', 'ぁ-ゖァ-ヺ一-龥', '가-힣']

/**
 * Words of one script. Elixir decides by tables of its Unicode version; these are letters on which 1.14 to 1.20 agree
 * (but for some Han characters that 1.20 leaves out), and whatever else is put in quotes, which is right as well.
 */
const WORD = SCRIPTS.map((letters) => new RegExp(`^[${letters}_][${letters}\\d_@]*[?!]?$`))

const ALIAS = /^Elixir(?:\.[A-Z]\w*)*$/

const ESCAPES = new Map([
  [0x07, '\\a'],
  [0x08, '\\b'],
  [0x09, '\\t'],
  [0x0a, '\\n'],
  [0x0b, '\\v'],
  [0x0c, '\\f'],
  [0x0d, '\\r'],
  [0x1b, '\\e'],
  [0x7f, '\\d'],
  [0x5c, '\\\\'],
])

/** Invisible characters: spaces other than the plain one, joiners, marks of direction. */
const INVISIBLE =
  /\u034f|[\u00a0\u061c\u2000-\u200f\u2028-\u202e\u205f-\u2064\u2066-\u2069\ufeff\ufff9-\ufffc]/

function isPrintable(point: number): boolean {
  if (point < 0x20) return ESCAPES.has(point)
  return point <= 0x7f || (point >= 0xa0 && point !== 0xfffe && point !== 0xffff)
}

/** Whether Elixir prints a binary of this text as a string. */
export function isPrintableText(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (!isPrintable(text.charCodeAt(i))) return false
  return true
}

function hex(point: number): string {
  return point.toString(16).toUpperCase()
}

function escapeCharacter(character: string, quote: string): string {
  const point = character.codePointAt(0)!
  if (character === quote) return `\\${quote}`
  if (ESCAPES.has(point)) return ESCAPES.get(point)!
  if (point === 0) return '\\0'
  if (INVISIBLE.test(character)) return `\\u${hex(point).padStart(4, '0')}`
  if (isPrintable(point)) return character
  return point < 0x100 ? `\\x${hex(point).padStart(2, '0')}` : `\\x{${hex(point)}}`
}

const NEEDS_ESCAPE = /[^\x20-\x21\x23-\x26\x28-\x5b\x5d-\x7e]|#\{/

/** The text in quotes, with what is inside them escaped. */
export function quoteText(text: string, quote = '"'): string {
  if (!NEEDS_ESCAPE.test(text)) return quote + text + quote
  let escaped = ''
  for (const character of text) escaped += escapeCharacter(character, quote)
  return quote + escaped.replaceAll('#{', '\\#{') + quote
}

function isWord(name: string): boolean {
  return WORD.some((pattern) => pattern.test(name))
}

/** An atom: `:ok`, `:"with space"`, `My.Mod`, `nil`. */
export function inspectAtomName(name: string): string {
  if (name === 'true' || name === 'false' || name === 'nil') return name
  if (ALIAS.test(name)) return name === 'Elixir' ? name : aliasText(name)
  return isWord(name) || OPERATORS.has(name) ? `:${name}` : `:${quoteText(name)}`
}

/** `My.Mod` of `Elixir.My.Mod`; `Elixir.Elixir` keeps its prefix, since it would be read as something else. */
function aliasText(name: string): string {
  const rest = name.slice('Elixir.'.length)
  return rest === 'Elixir' || rest.startsWith('Elixir.') ? name : rest
}

/** The atom before a colon, `ok:` or `"with space":`; undefined for one that Elixir does not write like that. */
export function keywordKey(name: string): string | undefined {
  if (name.startsWith('Elixir.')) return undefined
  const plain = name !== 'Elixir' && (isWord(name) || OPERATORS.has(name))
  return plain ? `${name}:` : `${quoteText(name)}:`
}

/** The name of a function as it follows a module and a dot: one that begins like a module is quoted. */
export function inspectFunctionName(name: string): string {
  const plain = OPERATORS.has(name) || (isWord(name) && !/^\p{Lu}/u.test(name))
  return plain ? name : quoteText(name)
}

/** The characters of a list that Elixir prints as a charlist, or undefined. */
export function charlistText(items: readonly unknown[]): string | undefined {
  for (const item of items) {
    if (typeof item !== 'number' || !Number.isInteger(item)) return undefined
    if (item < 0x07 || item > 0x7e || (item < 0x20 && !ESCAPES.has(item))) return undefined
  }
  let text = ''
  for (let i = 0; i < items.length; i += 4096) {
    text += String.fromCharCode(...(items.slice(i, i + 4096) as number[]))
  }
  return text
}

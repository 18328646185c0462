/** Maximum characters of a term. Longer words are truncated. */
const maxTermLength = 40
/** Maximum distinct terms of one query. Further terms are ignored. */
const maxQueryTerms = 32
/** Shorter terms match whole words only. */
const minPrefixLength = 3

const word = /[\p{L}\p{N}\p{M}]+/gu
/** Scripts without spaces between words, and Hangul, whose words include their particles. */
const unspaced =
  /([\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]+)/u

/** A word of a query. A term with `isPrefix` matches words that start with it. */
export interface QueryTerm {
  readonly text: string
  readonly isPrefix: boolean
}

/**
 * Returns the distinct terms of a text: words in lower case without accents, and for scripts without spaces each pair
 * of adjacent characters. Both databases index these terms, so both find the same memories.
 */
export function splitIntoTerms(text: string): readonly string[] {
  return [...new Set(listTerms(text))]
}

/** Returns the terms to search for. A final s is removed, so that a plural finds the singular. */
export function toQueryTerms(text: string): readonly QueryTerm[] {
  const terms = new Map<string, QueryTerm>()
  for (const term of listTerms(text)) {
    if (terms.size === maxQueryTerms) break
    const query = toQueryTerm(term)
    terms.set(query.text, query)
  }
  return [...terms.values()]
}

/** Returns true if the query's term matches the word. */
export function matchesTerm(term: QueryTerm, found: string): boolean {
  return term.isPrefix ? found.startsWith(term.text) : found === term.text
}

function toQueryTerm(term: string): QueryTerm {
  if (unspaced.test(term) || term.length < minPrefixLength) return { text: term, isPrefix: false }
  const isPlural = term.length > minPrefixLength && /[^s]s$/.test(term)
  return { text: isPlural ? term.slice(0, -1) : term, isPrefix: true }
}

function* listTerms(text: string): Iterable<string> {
  // Decomposition allows the removal of accents. Composition restores Hangul.
  const plain = text
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "")
    .normalize("NFC")
    .toLowerCase()
  for (const [found] of plain.matchAll(word)) {
    for (const part of found.split(unspaced)) {
      if (part === "") continue
      if (unspaced.test(part)) yield* listPairs(part)
      else yield truncate(part)
    }
  }
}

function* listPairs(text: string): Iterable<string> {
  const characters = [...text]
  if (characters.length === 1) yield text
  for (let index = 0; index + 1 < characters.length; index++) {
    yield `${characters[index]}${characters[index + 1]}`
  }
}

function truncate(term: string): string {
  return term.length <= maxTermLength ? term : [...term].slice(0, maxTermLength).join("")
}

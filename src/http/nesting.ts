const quote = '"'.charCodeAt(0)
const backslash = "\\".charCodeAt(0)
const openBrace = "{".charCodeAt(0)
const closeBrace = "}".charCodeAt(0)
const openBracket = "[".charCodeAt(0)
const closeBracket = "]".charCodeAt(0)

/**
 * Whether a JSON text nests objects and arrays deeper than `limit`. One pass and no recursion, so it may be asked
 * before parsing. For text that is not JSON the answer means nothing, and parsing it will fail.
 */
export function nestsDeeperThan(limit: number, text: string): boolean {
  let depth = 0
  for (let index = 0; index < text.length; index++) {
    switch (text.charCodeAt(index)) {
      case quote:
        index = endOfString(text, index)
        break
      case openBrace:
      case openBracket:
        if (++depth > limit) return true
        break
      case closeBrace:
      case closeBracket:
        depth--
        break
    }
  }
  return false
}

/** Index of the quote that ends the string begun at `start`; the text's length if none does. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end === -1 ? text.length : end
}

function isEscaped(text: string, index: number): boolean {
  let backslashes = 0
  while (text.charCodeAt(index - 1 - backslashes) === backslash) backslashes++
  return backslashes % 2 === 1
}

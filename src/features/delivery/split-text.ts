/**
 * Splits a text at the ends of paragraphs, otherwise of lines, otherwise of words, and otherwise between any two
 * characters.
 */
export function splitText(text: string, limit: number): readonly string[] {
  const parts: string[] = []
  let rest = text.trim()
  while (rest.length > limit) {
    const end = findBorder(rest, limit)
    parts.push(rest.slice(0, end).trimEnd())
    rest = rest.slice(end).trimStart()
  }
  return rest === "" ? parts : [...parts, rest]
}

/** Returns the border of a part. A border in the first half would make the part too short. */
function findBorder(text: string, limit: number): number {
  const head = text.slice(0, limit)
  for (const border of ["\n\n", "\n", " "]) {
    const at = head.lastIndexOf(border)
    if (at > limit / 2) return at
  }
  return /[\ud800-\udbff]/.test(head.charAt(limit - 1)) ? limit - 1 : limit
}

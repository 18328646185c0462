/** Divides a text at the ends of paragraphs, else of lines, else of words, else anywhere but within a character. */
export function splitText(text: string, limit: number): readonly string[] {
  const parts: string[] = []
  let rest = text.trim()
  while (rest.length > limit) {
    const end = borderIn(rest, limit)
    parts.push(rest.slice(0, end).trimEnd())
    rest = rest.slice(end).trimStart()
  }
  return rest === "" ? parts : [...parts, rest]
}

/** A border in the first half would make parts that are too short. */
function borderIn(text: string, limit: number): number {
  const head = text.slice(0, limit)
  for (const border of ["\n\n", "\n", " "]) {
    const at = head.lastIndexOf(border)
    if (at > limit / 2) return at
  }
  return /[\ud800-\udbff]/.test(head.charAt(limit - 1)) ? limit - 1 : limit
}

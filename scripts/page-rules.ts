import { britishSpelling } from "./prose-rules.ts"

/** Words to avoid. A page names the actor, and says "start", "continue", "fix" and "receives". */
const unwantedWord =
  /\b(?:(?:any|no|some)body|whoever|anew|begun|mend(?:s|ed|ing)?|(?:is|are) told|go(?:es)? on(?! the\b))\b/i
/** Words that start a list item or a cell as the continuation of another text. */
const opensWithFragment = /^(?:Whether|Whatever|Whoever|Whose|Of|Those|Nobody)\b/

/**
 * Returns the places of a Markdown page that break the rules of prose, a sentence each. Fenced code, text in back
 * quotes, and texts in curly quotes, such as names of tests, are exempt.
 */
export function pageProblems(path: string, page: string): readonly string[] {
  let isCode = false
  return page.split("\n").flatMap((line, index, lines) => {
    if (/^\s*(?:```|~~~)/.test(line)) isCode = !isCode
    if (isCode) return []
    const text = line.replaceAll(/`[^`]*`|“[^”]*”/g, "`").replaceAll(/\]\([^)]*\)/g, "]")
    const found = [unwantedWord, britishSpelling].flatMap((rule) => rule.exec(text)?.[0] ?? [])
    const fragment = openings(text).find((opening) => opensWithFragment.test(opening))
    const isLost =
      line.startsWith("|") && lines[index - 1] === "" && !/^\|[\s:|-]+$/.test(lines[index + 1] ?? "")
    return [
      ...(isLost ? [`${path}:${index + 1} is a row of a table that has no header`] : []),
      ...found.map((word) => `${path}:${index + 1} has the word "${word}"`),
      ...(fragment === undefined
        ? []
        : [`${path}:${index + 1} a text opens with "${fragment.slice(0, 40)}"`]),
    ]
  })
}

/** Returns the texts of a line that must stand alone: the cells of a table row, or a list item. */
function openings(line: string): readonly string[] {
  if (line.startsWith("|")) return line.split("|").map((cell) => cell.trim())
  const [, item] = /^\s*(?:[-*]|\d+\.)\s+(?:\*\*)?(.*)$/.exec(line) ?? []
  return item === undefined ? [] : [item]
}

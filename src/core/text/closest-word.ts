/** Number of edits from which on two words no longer count as a typing error. */
const tooManyEdits = 3

/** Returns the candidate that a misspelled word most likely means. Null if none is close. */
export function findClosestWord(word: string, candidates: readonly string[]): string | null {
  let best: string | null = null
  let fewest = tooManyEdits
  for (const candidate of candidates) {
    const edits = editDistance(word, candidate)
    if (edits < fewest) {
      best = candidate
      fewest = edits
    }
  }
  return best
}

/** Counts the insertions, deletions and replacements of one character that turn `from` into `to` (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (const [index, character] of [...from].entries()) {
    const next = [index + 1]
    for (const [column, other] of [...to].entries()) {
      const replaced = (row[column] ?? 0) + (character === other ? 0 : 1)
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}

import type { CliOutput, TextStyle } from "../cli-context.ts"
import { formatAsLine } from "../cli-error.ts"

/** A cell's text, or its text in a style. */
export type Cell = string | { readonly text: string; readonly style: TextStyle }

const gap = "  "
/**
 * Minimum width of the last column. If it is narrower, it is not truncated to the terminal's width, but continues on
 * the next line.
 */
const narrowest = 16

/**
 * Prints the rows with aligned columns. On a terminal, the last column is truncated between words if the line would
 * be longer than the terminal's width. A file or a pipe receives the whole line.
 */
export function printTable(output: CliOutput, rows: readonly (readonly Cell[])[]): void {
  const lines = rows.map((row) => row.map(toPlainCell))
  const count = Math.max(0, ...lines.map((line) => line.length))
  const widths = Array.from({ length: count - 1 }, (_, column) =>
    Math.max(0, ...lines.map((line) => computeLength(line[column]?.text ?? ""))),
  )
  const before = widths.reduce((sum, width) => sum + width + gap.length, 0)
  const room = output.columns === undefined ? Number.POSITIVE_INFINITY : output.columns - before
  for (const line of lines) {
    for (const [column, { text, style }] of line.entries()) {
      const isLast = column === line.length - 1
      const shown = isLast && column === count - 1 && room >= narrowest ? cutBetweenWords(text, room) : text
      if (style === null) output.write(shown)
      else output.writeStyled(style, shown)
      if (!isLast)
        output.write(`${" ".repeat(Math.max(0, (widths[column] ?? 0) - computeLength(text)))}${gap}`)
    }
    output.write("\n")
  }
}

/** Returns the text truncated after a word, with an ellipsis, to at most `limit` characters. */
export function cutBetweenWords(text: string, limit: number): string {
  const characters = [...text]
  if (characters.length <= limit) return text
  const cut = characters.slice(0, limit - 1).join("")
  const isBetween = /\s/.test(characters[limit - 1] ?? "")
  const words = isBetween ? cut : cut.replace(/\s+\S*$/, "")
  return `${words.trimEnd()}…`
}

function toPlainCell(cell: Cell): { readonly text: string; readonly style: TextStyle | null } {
  const { text, style } = typeof cell === "string" ? { text: cell, style: null } : cell
  return { text: formatAsLine(text), style }
}

function computeLength(text: string): number {
  return [...text].length
}

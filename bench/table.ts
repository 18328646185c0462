/** One table of a report. The first row contains the headings of the columns. */
export interface Table {
  readonly title: string
  readonly rows: readonly (readonly string[])[]
}

/** Formats the table as text. The first column is aligned to the left, the others to the right. */
export function asText({ title, rows }: Table): string {
  return [title, ...aligned(rows).map((cells) => `  ${cells.join("  ")}`)].join("\n")
}

export function asMarkdown({ title, rows }: Table): string {
  const [head = [], ...rest] = rows
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`
  return [line([title, ...head.slice(1)]), line(head.map(() => "---")), ...rest.map(line)].join("\n")
}

export function aligned(rows: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const widths: number[] = []
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length)
  }
  return rows.map((row) =>
    row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
    ),
  )
}

import type { ComponentChildren } from "preact"

export interface Column<Row> {
  readonly title: string
  /** `right` for numbers, `wide` for long texts. Default: `left`. */
  readonly shape?: "left" | "right" | "wide"
  readonly cell: (row: Row) => ComponentChildren
}

export interface DataTableProps<Row> {
  /** Name of the table, for screen readers. */
  readonly label: string
  readonly columns: readonly Column<Row>[]
  /** A row with the key of an earlier one is left out, because it has moved between two pages of a list. */
  readonly rows: readonly Row[]
  readonly keyOf: (row: Row) => string | number
}

/** A table of one of the lists for operators. On phones, each row is a card with the titles beside its values. */
export function DataTable<Row>({ label, columns, rows, keyOf }: DataTableProps<Row>) {
  const first = new Map(rows.toReversed().map((row) => [keyOf(row), row]))
  const distinct = rows.filter((row) => first.get(keyOf(row)) === row)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: A wide table is scrolled with the keyboard.
    <section class="table-frame data-table" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {columns.map(({ title, shape }) => (
              <th key={title} scope="col" class={shape}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {distinct.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ title, shape, cell }) => (
                <td key={title} class={shape} data-title={title}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

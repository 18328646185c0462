import type { Row } from "../rows/columns.ts"

/** A value that both databases store. */
export type SqlValue = string | number | boolean | null | Uint8Array

/** A statement, or a fragment of one. `sql` creates it, and each database writes it in its own form. */
export interface Sql {
  readonly parts: readonly SqlPart[]
}

/** A text, a value that the statement receives as a parameter, or a part that the databases write differently. */
export type SqlPart = string | { readonly value: SqlValue } | ((dialect: Dialect) => Sql)

/** The parts of statements that differ between the databases. */
export interface Dialect {
  /** Prefix of every table. */
  readonly schema: "" | "agent_gateway."
  /** Returns the placeholder of the parameter with this number, from 1. */
  placeholder(number: number): string
  /** Returns the time of the store's clock in milliseconds since the Unix epoch. */
  now(): Sql
  /** The number of the newest stored entry, for the session in the same statement. */
  readonly lastSeq: Sql
  /** Returns a clause that locks the selected rows until the end of the transaction. */
  lockRows(mode: RowLock): Sql
  /** Returns a statement that waits until no other transaction holds the lock with this name. */
  lockName(name: string): Sql
  /** Returns the condition that the column has one of the values. */
  isOneOf(column: string, type: ColumnType, values: readonly (string | number)[]): Sql
  /** Returns a table of the records. */
  records(columns: RecordColumns, records: readonly SqlRecord[]): Sql
}

export type RowLock = "FOR UPDATE" | "FOR UPDATE SKIP LOCKED" | "FOR KEY SHARE"
export type ColumnType = "text" | "bigint"
export type RecordColumns = Readonly<Record<string, ColumnType>>
export type SqlRecord = Readonly<Record<string, string | number | null>>

/**
 * Statements that depend on each other. Each `yield` runs one and returns its rows. SQLite runs them synchronously
 * inside its transaction, and Postgres awaits each.
 */
export type Steps<T> = Generator<Sql, T, readonly Row[]>

/** Either database, for what both of them do in the same way. */
export interface SqlDatabase {
  /** Runs a statement that only reads. */
  read(statement: Sql): Promise<readonly Row[]>
  /** Runs statements that only read. SQLite runs them at once, so that they see one snapshot. */
  readSteps<T>(steps: () => Steps<T>): Promise<T>
  /** Runs a statement that may write. Resolves to the rows that it returns. */
  write(statement: Sql): Promise<readonly Row[]>
  /** Runs the statements completely or not at all. They may be attempted more than once. */
  transaction<T>(steps: () => Steps<T>): Promise<T>
  /** Reads rows whose `body` may be large, in slices. */
  readBodies<T>(query: BodiesQuery<T>): Promise<readonly T[]>
}

export interface BodiesQuery<T> {
  /** Selects rows with `id` and `body` after an id, in the order of the ids. */
  readonly select: (after: number, count: number) => Sql
  /** The id before that of the first row. */
  readonly after: number
  readonly limit: number
  readonly parse: (row: Row) => T
}

/** Creates a statement. Values in `${}` become parameters. */
export function sql(texts: TemplateStringsArray, ...values: readonly (SqlValue | Sql)[]): Sql {
  const parts: SqlPart[] = []
  for (const [index, text] of texts.entries()) {
    parts.push(text)
    const value = values[index]
    if (value === undefined) continue
    if (isSql(value)) parts.push(...value.parts)
    else parts.push({ value })
  }
  return { parts }
}

/** Creates a fragment from a text of this package. */
export function createText(text: string): Sql {
  return { parts: [text] }
}

/** Prefix of every table. */
export const schema: Sql = { parts: [(dialect) => createText(dialect.schema)] }

/** The time of the store's clock in milliseconds since the Unix epoch. */
export const now: Sql = { parts: [(dialect) => dialect.now()] }

/** The number of the newest stored entry, for the session in the same statement. */
export const lastSeq: Sql = { parts: [(dialect) => dialect.lastSeq] }

export function lockRows(mode: RowLock): Sql {
  return { parts: [(dialect) => dialect.lockRows(mode)] }
}

export function lockName(name: string): Sql {
  return { parts: [(dialect) => dialect.lockName(name)] }
}

export function isOneOfTexts(column: string, values: readonly string[]): Sql {
  return { parts: [(dialect) => dialect.isOneOf(column, "text", values)] }
}

export function isOneOfNumbers(column: string, values: readonly number[]): Sql {
  return { parts: [(dialect) => dialect.isOneOf(column, "bigint", values)] }
}

export function records(columns: RecordColumns, rows: readonly SqlRecord[]): Sql {
  return { parts: [(dialect) => dialect.records(columns, rows)] }
}

/** Joins conditions that must all be true. */
export function joinConditions(conditions: readonly (Sql | null)[]): Sql {
  const parts = conditions.flatMap((condition) => (condition === null ? [] : [" AND ", ...condition.parts]))
  return { parts: ["true", ...parts] }
}

export interface RenderedSql {
  readonly text: string
  readonly values: readonly SqlValue[]
}

/** Returns the text and the parameters of a statement for a database. */
export function renderSql(statement: Sql, dialect: Dialect): RenderedSql {
  const values: SqlValue[] = []
  const renderPart = (part: SqlPart): string => {
    if (typeof part === "string") return part
    if (typeof part === "function") return part(dialect).parts.map(renderPart).join("")
    return dialect.placeholder(values.push(part.value))
  }
  return { text: statement.parts.map(renderPart).join(""), values }
}

function isSql(value: SqlValue | Sql): value is Sql {
  return typeof value === "object" && value !== null && "parts" in value
}

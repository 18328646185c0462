import { parseArgs } from "node:util"
import type { OutboxRow } from "../../../core/ports/store/outbox.ts"
import { openOutbox } from "../../../gateway/operate/open-outbox.ts"
import type { ChosenRows } from "../../../gateway/operate/outbox.ts"
import type { CliContext } from "../../cli-context.ts"
import { CliError, formatAsLine, parseUsage, UsageError } from "../../cli-error.ts"
import { describeActionProblem } from "../../command-words.ts"
import { exitCodes } from "../../exit-codes.ts"

const common = { store: { type: "string" }, verbose: { type: "boolean" } } as const
/** Options that only some actions have. */
const particular = {
  json: { type: "boolean" },
  dead: { type: "boolean" },
  session: { type: "string" },
  after: { type: "string" },
  kind: { type: "string" },
  all: { type: "boolean" },
} as const

type Particular = keyof typeof particular

const optionsOf = {
  list: ["json", "dead", "session", "after", "kind"],
  retry: ["all", "kind"],
  drop: ["all", "kind"],
} as const satisfies Readonly<Record<string, readonly Particular[]>>

type Action = keyof typeof optionsOf
/** Maximum rows that `list` prints. */
const maxRows = 1_000
const commandUsage = "usage: agent-gateway outbox list | retry|drop ROW… | retry|drop --all"

/** `outbox list|retry|drop` works on a store, even while a server runs on it. */
export async function runOutboxCommand(context: CliContext): Promise<number> {
  const { action, rows, options } = parse(context.argv)
  const chosen = action === "list" ? null : parseChosenRows(rows, options)
  const after = options.after === undefined ? 0 : parseRowNumber(options.after)
  const outbox = await openOutbox(options.store)
  try {
    if (chosen === null) {
      const { json = false, dead = false, session, kind } = options
      const filter = {
        after,
        limit: maxRows,
        ...(dead && { state: "dead" as const }),
        ...(session !== undefined && { sessionId: session }),
        ...(kind !== undefined && { kind }),
      }
      return list(await outbox.list(filter), json, context)
    }
    const count = action === "retry" ? await outbox.retry(chosen) : await outbox.drop(chosen)
    if (count === 0 && "numbers" in chosen) {
      throw new CliError(
        `no such row${action === "retry" ? " that is dead" : ""} (see agent-gateway outbox list; ` +
          "it may be delivered or dropped)",
      )
    }
    context.stdout.write(
      `${action === "retry" ? "retried" : "dropped"} ${count} ${count === 1 ? "row" : "rows"}\n`,
    )
    return exitCodes.success
  } finally {
    await outbox.close()
  }
}

type Options = ReturnType<typeof parseOptions>["values"]

function parseOptions(argv: readonly string[]) {
  return parseArgs({ args: [...argv], allowPositionals: true, options: { ...common, ...particular } })
}

function parse(argv: readonly string[]) {
  const { values: options, positionals } = parseUsage("outbox", () => parseOptions(argv))
  const [action, ...rows] = positionals
  if (!isAction(action)) {
    throw new UsageError(`${describeActionProblem("outbox", action)}; ${commandUsage}`)
  }
  const own: readonly string[] = optionsOf[action]
  const foreign = Object.keys(particular).filter(
    (name) => Object.hasOwn(options, name) && !own.includes(name),
  )
  if (foreign.length > 0) {
    throw new UsageError(
      `${action} takes no ${foreign.map((name) => `--${name}`).join(", ")}; ${commandUsage}`,
    )
  }
  if (action === "list" && rows.length > 0)
    throw new UsageError(`unexpected argument ${rows[0]}; ${commandUsage}`)
  return { action, rows, options } as const
}

function isAction(text: string | undefined): text is Action {
  return text !== undefined && Object.hasOwn(optionsOf, text)
}

function parseChosenRows(rows: readonly string[], { all = false, kind }: Options): ChosenRows {
  if (all === rows.length > 0) throw new UsageError(`give rows, or --all for all dead rows; ${commandUsage}`)
  if (all) return { allDead: true, ...(kind !== undefined && { kind }) }
  if (kind !== undefined) throw new UsageError(`--kind goes with --all; ${commandUsage}`)
  return { numbers: rows.map(parseRowNumber) }
}

function parseRowNumber(text: string): number {
  const number = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(number)) return number
  throw new UsageError(`${text} is not the number of a row; ${commandUsage}`)
}

function list(rows: readonly OutboxRow[], json: boolean, { stdout }: CliContext): number {
  if (json) stdout.write(`${JSON.stringify(rows)}\n`)
  else if (rows.length === 0) stdout.write("The outbox has no such rows.\n")
  else {
    for (const row of rows) stdout.write(`${describe(row)}\n`)
    const last = rows.at(-1)
    if (rows.length === maxRows)
      stdout.write(`There may be more: agent-gateway outbox list --after ${last?.number}\n`)
  }
  return exitCodes.success
}

function describe(row: OutboxRow): string {
  const { number, id, kind, state, attempts, lastError, sessionId, createdAt, dueAt, preview, bytes } = row
  const lines = [
    `${number}  ${formatAsLine(kind)}  ${state}`,
    `  id       ${formatAsLine(id)}`,
    `  session  ${formatAsLine(sessionId)}`,
    `  created  ${new Date(createdAt).toISOString()}`,
    `  attempts ${attempts}${dueAt === null ? "" : `, next ${new Date(dueAt).toISOString()}`}`,
    `  payload  ${formatAsLine(preview)} (${bytes} bytes)`,
  ]
  if (lastError !== null) lines.push(`  error    ${formatAsLine(lastError)}`)
  return lines.join("\n")
}

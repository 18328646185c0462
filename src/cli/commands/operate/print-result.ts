import type { OperationInput, OperationName, OperationOutput } from "../../../operations/operations.ts"
import type { CliContext } from "../../cli-context.ts"
import { CliError, formatAsLine } from "../../cli-error.ts"
import {
  describeMemory,
  describeOccurrence,
  describeRow,
  describeSchedule,
  formatTime,
} from "./describe-items.ts"
import { describeWait } from "./describe-wait.ts"
import { describeSession, printSessions } from "./print-sessions.ts"
import { isPage } from "./read-full-page.ts"

export interface Printing<Name extends OperationName> extends CliContext {
  readonly input: OperationInput<Name>
}

type Printers = {
  readonly [Name in OperationName]?: (result: OperationOutput<Name>, printing: Printing<Name>) => void
}

/** Results in a form for people. Other results are printed as JSON. */
const printers: Printers = {
  "sessions.list": printSessions,
  "sessions.show": (result, { stdout }) => stdout.write(`${describeSession(result)}\n`),
  "approvals.list": ({ items }, { stdout }) =>
    writeAll(stdout, items.map(describeWait), "No approval is open."),
  "schedules.list": ({ items }, { stdout }) =>
    writeAll(stdout, items.map(describeSchedule), "There are no such schedules."),
  "schedules.show": ({ schedule, history }, { stdout }) => {
    stdout.write(`${describeSchedule(schedule)}\n`)
    writeAll(stdout, history.map(describeOccurrence), "The schedule has no history yet.")
  },
  "schedules.pause": ({ name }, { stdout }) => stdout.write(`paused ${formatAsLine(name)}\n`),
  "schedules.resume": ({ name, nextAt }, { stdout }) =>
    stdout.write(`resumed ${formatAsLine(name)}${nextAt === null ? "" : `, next ${formatTime(nextAt)}`}\n`),
  "schedules.run": (occurrence, { stdout }) => stdout.write(`${describeOccurrence(occurrence)}\n`),
  "memory.list": ({ items }, { stdout }) =>
    writeAll(stdout, items.map(describeMemory), "The user has no memories."),
  "memory.forget": ({ forgotten }, { stdout }) =>
    writeCount(stdout, "forgot", forgotten, "memory", "memories"),
  "memory.forgetAll": ({ forgotten }, { stdout }) =>
    writeCount(stdout, "forgot", forgotten, "memory", "memories"),
  "outbox.list": ({ items }, { stdout }) =>
    writeAll(stdout, items.map(describeRow), "The outbox has no such rows."),
  "outbox.retry": ({ rows }, { stdout, input }) => {
    if (rows === 0 && input.numbers !== undefined) throw createNoSuchRow("row that is dead")
    writeCount(stdout, "retried", rows, "row", "rows")
  },
  "outbox.drop": ({ rows }, { stdout, input }) => {
    if (rows === 0 && input.numbers !== undefined) throw createNoSuchRow("row")
    writeCount(stdout, "dropped", rows, "row", "rows")
  },
}

/** Prints the result of an operation for a person: in a form of its own, or as JSON on several lines. */
export function printResult<Name extends OperationName>(
  name: Name,
  result: OperationOutput<Name>,
  printing: Printing<Name>,
): void {
  const { stdout } = printing
  const print: ((result: OperationOutput<Name>, printing: Printing<Name>) => void) | undefined =
    printers[name]
  if (print !== undefined) print(result, printing)
  else if ("status" in result && result.status === "ok") stdout.write("done\n")
  else stdout.write(`${JSON.stringify(result, null, 2)}\n`)
  if (print !== undefined && isPage(result) && result.next !== null)
    stdout.write(`More follow: add --after ${formatAsLine(result.next)}\n`)
}

function writeAll(stdout: CliContext["stdout"], texts: readonly string[], otherwise: string): void {
  stdout.write(`${texts.length === 0 ? otherwise : texts.join("\n")}\n`)
}

function writeCount(
  stdout: CliContext["stdout"],
  verb: string,
  count: number,
  one: string,
  several: string,
): void {
  stdout.write(`${verb} ${count} ${count === 1 ? one : several}\n`)
}

function createNoSuchRow(what: string): CliError {
  return new CliError(`no such ${what} (see agent-gateway outbox list; it may be delivered or dropped)`)
}

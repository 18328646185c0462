import { parseArgs } from "node:util"
import type { Occurrence, Schedule } from "../../../core/ports/store/schedules.ts"
import { type OpenedSchedules, openSchedules } from "../../../gateway/operate/open-schedules.ts"
import type { CliContext } from "../../cli-context.ts"
import { formatAsLine, parseUsage, UsageError } from "../../cli-error.ts"
import { describeActionProblem } from "../../command-words.ts"
import { exitCodes } from "../../exit-codes.ts"

const actions = ["list", "history", "pause", "resume", "run", "remove"] as const
type Action = (typeof actions)[number]

const commandUsage = "usage: agent-gateway schedules list | history|pause|resume|run|remove ID"
/** Maximum schedules that `list` prints. */
const maxListed = 1_000

/** `schedules list|history|pause|resume|run|remove` works on a store, even while a server runs on it. */
export async function runSchedulesCommand(context: CliContext): Promise<number> {
  const { action, id, options } = parse(context.argv)
  const schedules = await openSchedules(options.store)
  try {
    const { json = false, agent, after } = options
    if (action === "list") {
      const query = {
        limit: maxListed,
        ...(agent !== undefined && { agent }),
        ...(after !== undefined && { after }),
      }
      return list(await schedules.list(query), json, context)
    }
    context.stdout.write(`${await act(schedules, action, id, json)}\n`)
    return exitCodes.success
  } finally {
    await schedules.close()
  }
}

async function act(
  schedules: OpenedSchedules,
  action: Exclude<Action, "list">,
  id: string,
  json: boolean,
): Promise<string> {
  switch (action) {
    case "history": {
      const history = await schedules.history(id)
      if (json) return JSON.stringify(history)
      return history.length === 0
        ? "The schedule has no history yet."
        : history.map(describeOccurrence).join("\n")
    }
    case "pause": {
      const { name } = await schedules.pause(id)
      return `paused ${formatAsLine(name)}`
    }
    case "resume": {
      const { name, nextAt } = await schedules.resume(id)
      return `resumed ${formatAsLine(name)}${nextAt === null ? "" : `, next ${formatTime(nextAt)}`}`
    }
    case "run": {
      const occurrence = await schedules.run(id)
      return describeOccurrence(occurrence)
    }
    case "remove":
      await schedules.remove(id)
      return "removed"
    default:
      return action satisfies never
  }
}

function parse(argv: readonly string[]) {
  const { values: options, positionals } = parseUsage("schedules", () =>
    parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        store: { type: "string" },
        agent: { type: "string" },
        after: { type: "string" },
        json: { type: "boolean" },
        verbose: { type: "boolean" },
      },
    }),
  )
  const [given, id = "", ...others] = positionals
  const action = actions.find((each) => each === given)
  if (action === undefined) {
    throw new UsageError(`${describeActionProblem("schedules", given)}; ${commandUsage}`)
  }
  if (action === "list" && id !== "") throw new UsageError(`unexpected argument ${id}; ${commandUsage}`)
  if (action !== "list" && id === "")
    throw new UsageError(`${action} needs the id of a schedule; ${commandUsage}`)
  if (others.length > 0) throw new UsageError(`unexpected argument ${others[0]}; ${commandUsage}`)
  const listOnly = (["agent", "after"] as const).filter((name) => options[name] !== undefined)
  if (action !== "list" && listOnly.length > 0)
    throw new UsageError(`${action} takes no --${listOnly[0]}; ${commandUsage}`)
  if (options.json === true && action !== "list" && action !== "history")
    throw new UsageError(`${action} takes no --json; ${commandUsage}`)
  return { action, id, options } as const
}

function list(schedules: readonly Schedule[], json: boolean, { stdout }: CliContext): number {
  if (json) stdout.write(`${JSON.stringify(schedules)}\n`)
  else if (schedules.length === 0) stdout.write("The store has no such schedules.\n")
  else {
    for (const schedule of schedules) stdout.write(`${describe(schedule)}\n`)
    const last = schedules.at(-1)
    if (schedules.length === maxListed)
      stdout.write(`There may be more: agent-gateway schedules list --after ${last?.id}\n`)
  }
  return exitCodes.success
}

function describe(schedule: Schedule): string {
  const { id, name, agent, origin, tenant, userId, state, reason, spec, nextAt, waiting, isRunning } =
    schedule
  const times = {
    cron: spec.cron === undefined ? undefined : `${spec.cron} (${spec.timezone})`,
    every: spec.every === undefined ? undefined : `every ${spec.every}`,
    at: spec.at === undefined ? undefined : `at ${formatTime(spec.at)}`,
  }
  const now = [isRunning ? "running" : null, waiting.length === 0 ? null : `${waiting.length} waiting`]
  const details = [reason, ...now].filter((part) => part !== null)
  const lines = [
    `${id}  ${formatAsLine(name)}  ${state}${details.length === 0 ? "" : ` (${details.join(", ")})`}`,
    `  agent    ${formatAsLine(agent)}`,
    `  owner    ${formatAsLine(tenant)} ${formatAsLine(userId)}, made by ${origin}`,
    `  time     ${formatAsLine(times.cron ?? times.every ?? times.at ?? "")}`,
    `  next     ${nextAt === null ? "none" : formatTime(nextAt)}`,
    `  message  ${formatAsLine(spec.message.slice(0, 200))}`,
  ]
  return lines.join("\n")
}

function describeOccurrence({ at, cause, outcome, reason, sessionId, runId }: Occurrence): string {
  const effect = outcome === "started" ? `${sessionId} ${runId}` : (reason ?? "")
  return `${formatTime(at)}  ${cause === "manual" ? "run manually, " : ""}${outcome}  ${effect}`
}

function formatTime(at: number): string {
  return new Date(at).toISOString()
}

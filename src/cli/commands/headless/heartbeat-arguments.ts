import { parseArgs } from "node:util"
import { expectPositionals } from "../../arguments.ts"
import { parseUsage, UsageError } from "../../cli-error.ts"
import { parseDollars, parseSeconds } from "./quantities.ts"

export interface HeartbeatArguments {
  readonly file: string
  readonly task: string | undefined
  readonly intervalSeconds: number | undefined
  readonly cron: string | undefined
  readonly activeHours: readonly [number, number] | undefined
  readonly timezone: string | undefined
  readonly checklist: string | undefined
  readonly stateDir: string
  readonly maxTicks: number | undefined
  readonly maxBudgetUsdPerDay: number | undefined
  readonly timeoutSeconds: number | undefined
  readonly agent: string | undefined
  readonly approvedTools: readonly string[]
  readonly demo: boolean
}

const options = {
  verbose: { type: "boolean" },
  demo: { type: "boolean" },
  task: { type: "string" },
  interval: { type: "string" },
  cron: { type: "string" },
  "active-hours": { type: "string" },
  timezone: { type: "string" },
  checklist: { type: "string" },
  "state-dir": { type: "string" },
  "max-ticks": { type: "string" },
  "budget-per-day": { type: "string" },
  timeout: { type: "string" },
  agent: { type: "string" },
  yes: { type: "string", multiple: true },
} as const

const defaultStateDir = ".agent-gateway-heartbeat"

export function parseHeartbeatArguments(argv: readonly string[]): HeartbeatArguments {
  const { values, positionals } = parseUsage("heartbeat", () =>
    parseArgs({ args: [...argv], allowPositionals: true, options }),
  )
  const [file] = expectPositionals("heartbeat", positionals, ["FILE"])
  const { task, cron, timezone, checklist, agent, yes = [], demo = false } = values
  return {
    ...{ file, task, cron, timezone, checklist, agent, demo },
    approvedTools: yes,
    intervalSeconds: parseSeconds(values.interval, "--interval"),
    activeHours: parseHours(values["active-hours"]),
    stateDir: values["state-dir"] ?? defaultStateDir,
    maxTicks: parseTicks(values["max-ticks"]),
    maxBudgetUsdPerDay: parseDollars(values["budget-per-day"], "--budget-per-day"),
    timeoutSeconds: parseSeconds(values.timeout, "--timeout"),
  }
}

/** Parses `8-22`, or with minutes `8:30-22:00`. */
function parseHours(text: string | undefined): readonly [number, number] | undefined {
  if (text === undefined) return undefined
  const [, startHour, startMinute = "0", endHour, endMinute = "0"] =
    /^(\d{1,2})(?::([0-5]\d))?-(\d{1,2})(?::([0-5]\d))?$/.exec(text) ?? []
  const start = Number(startHour) + Number(startMinute) / 60
  const end = Number(endHour) + Number(endMinute) / 60
  if (start <= 24 && end <= 24) return [start, end]
  throw new UsageError(
    `--active-hours must be hours such as 8-22 or 8:30-17:00, but it is ${JSON.stringify(text)}.`,
  )
}

function parseTicks(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new UsageError(`--max-ticks must be a whole number, but it is ${JSON.stringify(text)}.`)
}

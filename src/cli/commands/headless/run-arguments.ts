import { parseArgs } from "node:util"
import { expectPositionals, type LogForm, parseLogForm } from "../../arguments.ts"
import { parseUsage, UsageError } from "../../cli-error.ts"
import { parseDollars, parseSeconds } from "./quantities.ts"

const policies = ["deny", "park", "fail", "ask"] as const

/** Policy for approvals and questions, which need a person. */
export type HumanPolicy = (typeof policies)[number]

export interface RunArguments {
  readonly file: string
  /** The task. `-` reads it from standard input. */
  readonly task: string
  /** If true, standard input was requested after the task. Otherwise it is only read if it begins soon. */
  readonly takesInput: boolean
  /** Format of standard output. */
  readonly format: "text" | "json" | "events"
  /** If true and no model is configured, one is guessed: a model server on this machine, or otherwise the demo. */
  readonly demo: boolean
  /** If true, neither the progress of tools nor warnings are shown. */
  readonly quiet: boolean
  /** Undefined: only warnings and errors, for people. */
  readonly log: LogForm | undefined
  /** A file with the JSON Schema of the output. */
  readonly output: string | null
  /** Undefined: ask at a terminal, and deny without one. */
  readonly onHumanNeeded: HumanPolicy | undefined
  readonly approvedTools: readonly string[]
  readonly sessionId: string | undefined
  readonly jobId: string | undefined
  readonly agent: string | undefined
  readonly stateDir: string | undefined
  readonly timeoutSeconds: number | undefined
  readonly maxBudgetUsd: number | undefined
  readonly maxTurns: number | undefined
}

const options = {
  verbose: { type: "boolean" },
  json: { type: "boolean" },
  events: { type: "boolean" },
  demo: { type: "boolean" },
  quiet: { type: "boolean" },
  log: { type: "string" },
  output: { type: "string" },
  session: { type: "string" },
  job: { type: "string" },
  agent: { type: "string" },
  "state-dir": { type: "string" },
  timeout: { type: "string" },
  budget: { type: "string" },
  "max-turns": { type: "string" },
  yes: { type: "string", multiple: true },
  "on-human-needed": { type: "string" },
} as const

/**
 * Parses the arguments of `run`. Without a task, the task is read from standard input, if that is a pipe or a file.
 */
export function parseRunArguments(
  argv: readonly string[],
  { isTTY = false }: { readonly isTTY?: boolean } = {},
): RunArguments {
  const { values, positionals } = parseUsage("run", () =>
    parseArgs({ args: [...argv], allowPositionals: true, options }),
  )
  const takesInput = positionals.length === 3 && positionals[1] !== "-" && positionals[2] === "-"
  const words = takesInput ? positionals.slice(0, 2) : positionals
  const given = words.length === 1 && !isTTY ? [...words, "-"] : words
  const [file, task] = expectPositionals("run", given, ["FILE", '"TASK"'])
  if (task.trim() === "") throw new UsageError("the task is empty.")
  const { json = false, events = false, demo = false, quiet = false, output = null } = values
  if (json && events) throw new UsageError("give --json or --events, not both.")
  return {
    file,
    task,
    takesInput,
    format: json ? "json" : events ? "events" : "text",
    demo,
    quiet,
    log: parseLogForm(values.log),
    output,
    onHumanNeeded: parsePolicy(values["on-human-needed"]),
    approvedTools: (values.yes ?? []).map((tool) => requireNotEmpty(tool, "--yes") ?? ""),
    sessionId: requireNotEmpty(values.session, "--session"),
    jobId: parseJob(values.job),
    agent: requireNotEmpty(values.agent, "--agent"),
    stateDir: requireNotEmpty(values["state-dir"], "--state-dir"),
    timeoutSeconds: parseSeconds(values.timeout, "--timeout"),
    maxBudgetUsd: parseDollars(values.budget, "--budget"),
    maxTurns: parseTurns(values["max-turns"]),
  }
}

function parsePolicy(text: string | undefined): HumanPolicy | undefined {
  if (text === undefined) return undefined
  const policy = policies.find((each) => each === text)
  if (policy !== undefined) return policy
  throw new UsageError(
    `--on-human-needed must be one of ${policies.join(", ")}, but it is ${JSON.stringify(text)}.`,
  )
}

function requireNotEmpty(text: string | undefined, option: string): string | undefined {
  if (text?.trim() === "") throw new UsageError(`${option} is empty.`)
  return text
}

function parseJob(text: string | undefined): string | undefined {
  if (text !== undefined && text.length > 255) throw new UsageError("--job has at most 255 characters.")
  return requireNotEmpty(text, "--job")
}

function parseTurns(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new UsageError(`--max-turns must be a whole number from 1, but it is ${JSON.stringify(text)}.`)
}

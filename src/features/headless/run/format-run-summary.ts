import type { JsonObject } from "../../../core/json/json.ts"
import { formatRunFacts } from "../../../core/runs/format-run-facts.ts"
import { type RunOutcome, type RunOutput, runOutputOutcome } from "./run-output.ts"

export interface SummaryOptions {
  /** First line. Default `Autonomous run`. */
  readonly label?: string
  /** State after the run, for `formatState`. */
  readonly state?: JsonObject
  /** Returns lines about the state. Default: none. */
  readonly formatState?: (state: JsonObject) => string
  /** Maximum length of the summary in UTF-16 code units. Default 3900. */
  readonly maxCharacters?: number
}

const statuses: Readonly<Record<RunOutcome, string>> = {
  success: "completed",
  error: "failed",
  budget_exceeded: "budget exceeded",
  max_turns: "max turns reached",
  timeout: "timed out",
  parked: "waiting for a person",
}

const maxResponse = 1200

/** Returns a short plain text about a run for people. */
export function formatRunSummary(
  output: RunOutput,
  { label = "Autonomous run", state, formatState, maxCharacters = 3900 }: SummaryOptions = {},
): string {
  const { response, error, cancelledTasks } = output
  const text = [response, output.summary ?? ""]
    .map((part) => part.trim())
    .filter(Boolean)
    .join("\n\n")
  const lines = [
    label,
    `Status: ${statuses[runOutputOutcome(output)]}`,
    ...formatRunFacts(output),
    ...(cancelledTasks.length === 0 ? [] : [`Canceled background tasks: ${cancelledTasks.join(", ")}`]),
  ]
  const ofState = state === undefined ? "" : (formatState?.(state).trim() ?? "")
  if (ofState !== "") lines.push("", ofState)
  if (text !== "") lines.push("", "Summary:", truncate(text, maxResponse))
  if (error !== null) lines.push("", `Error: ${error}`)
  return truncate(lines.join("\n"), maxCharacters)
}

/** Truncates a text at a whole character. */
export function truncate(text: string, limit: number): string {
  if (text.length <= limit) return text
  const end = limit - 1
  const isHalf = /[\ud800-\udbff]/.test(text.charAt(end - 1))
  return `${text.slice(0, isHalf ? end - 1 : end).trimEnd()}…`
}

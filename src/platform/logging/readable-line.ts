import { styleText } from "node:util"
import { isJsonObject, type JsonObject } from "../../core/json/json.ts"
import { escapeControls } from "../../core/text/escape-controls.ts"

/** Levels as pino numbers them, from the highest down. */
const levels = [
  { from: 50, name: "error", style: "red" },
  { from: 40, name: "warn", style: "yellow" },
] as const

/** Fields that have their own form, or are part of the start of the line. */
const notListed = new Set([
  "level",
  "time",
  "msg",
  "error",
  "usage",
  "cost",
  "durationMs",
  "method",
  "path",
  "status",
])
/** Maximum characters of a value. The JSON form has the whole value. */
const maxValueCharacters = 400

export interface ReadableLineOptions {
  readonly colors: boolean
}

/**
 * Converts a line of the log from JSON into a form for people: the local time, the message, the cost of the
 * operation, and the other fields as `name=value`. The stack of an error follows on separate lines.
 */
export function formatReadableLine(line: string, { colors }: ReadableLineOptions): string {
  const fields: unknown = JSON.parse(line)
  if (!isJsonObject(fields)) return line
  const applyStyle = (format: Parameters<typeof styleText>[0], text: string) =>
    colors ? styleText(format, text, { validateStream: false }) : text
  const level = levels.find(({ from }) => Number(fields.level) >= from)
  const message = escapeControls(String(fields.msg ?? "")).replaceAll("\n", " ")
  const words = [
    applyStyle("dim", formatClockTime(Number(fields.time))),
    ...(level === undefined ? [] : [applyStyle(level.style, level.name)]),
    ...formatRequest(fields),
    message,
    ...formatSpending(fields),
    ...formatFields(fields).map((field) => applyStyle("dim", field)),
  ]
  return `${words.join(" ")}\n${formatStack(fields.error)}`
}

function formatClockTime(time: number): string {
  const padToTwo = (part: number) => String(part).padStart(2, "0")
  const date = new Date(time)
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(padToTwo).join(":")
}

function formatRequest({ method, path, status }: JsonObject): readonly string[] {
  if (typeof method !== "string" || typeof path !== "string") return []
  return [escapeControls(`${method} ${path}${status === undefined ? "" : ` ${String(status)}`}`)]
}

/** Returns the duration, the tokens and the cost, if they are known. */
function formatSpending({ durationMs, usage, cost }: JsonObject): readonly string[] {
  const tokens = isJsonObject(usage) ? [`${countInput(usage)}→${Number(usage.outputTokens)} tokens`] : []
  return [
    ...(typeof durationMs === "number" ? [formatDuration(durationMs)] : []),
    ...tokens,
    ...(typeof cost === "number" && cost > 0 ? [`$${cost.toFixed(4)}`] : []),
  ]
}

function countInput({ inputTokens, cacheCreationInputTokens, cacheReadInputTokens }: JsonObject): number {
  return Number(inputTokens) + Number(cacheCreationInputTokens) + Number(cacheReadInputTokens)
}

function formatDuration(ms: number): string {
  return ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(1)} s`
}

function formatFields(fields: JsonObject): readonly string[] {
  return Object.entries(fields)
    .filter(([name]) => !notListed.has(name))
    .map(([name, value]) => {
      const text = typeof value === "string" && !/[\s"=]/.test(value) ? value : JSON.stringify(value)
      const left = text.length - maxValueCharacters
      const shown = left > 0 ? `${text.slice(0, maxValueCharacters)}… [${left} more characters]` : text
      return escapeControls(`${name}=${shown}`).replaceAll("\n", " ")
    })
}

/** Returns the stack of an error and of its causes, indented. */
function formatStack(error: unknown): string {
  if (!isJsonObject(error)) return error === undefined ? "" : indentText(String(error))
  const { stack, message, cause } = error
  const own = indentText(String(stack ?? message ?? JSON.stringify(error)))
  return cause === undefined ? own : `${own}${indentText("caused by:")}${formatStack(cause)}`
}

function indentText(text: string): string {
  return escapeControls(text)
    .split("\n")
    .map((line) => `    ${line}\n`)
    .join("")
}

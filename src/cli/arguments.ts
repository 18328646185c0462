import { isJsonObject, type JsonObject } from "../core/json/json.ts"
import type { LogOptions } from "../gateway/gateway.ts"
import { formatAsLine, UsageError } from "./cli-error.ts"

/** Throws a `UsageError` unless there is exactly one argument for each name. */
export function expectPositionals<const Names extends readonly string[]>(
  command: string,
  positionals: readonly string[],
  names: Names,
): { readonly [Index in keyof Names]: string } {
  if (positionals.length === names.length) {
    return positionals as readonly string[] as { readonly [Index in keyof Names]: string }
  }
  const missing = names[positionals.length]
  const problem =
    missing === undefined ? `unexpected argument ${positionals[names.length]}` : `${missing} is missing`
  throw new UsageError(`${problem}; usage: agent-gateway ${command} ${names.join(" ")}`)
}

const logForms = ["pretty", "json", "none"] as const

/** Form of the log on standard error. */
export type LogForm = (typeof logForms)[number]

/** Parses `--log`. */
export function parseLogForm(text: string | undefined): LogForm | undefined {
  if (text === undefined) return undefined
  const form = logForms.find((each) => each === text)
  if (form !== undefined) return form
  throw new UsageError(`--log must be one of ${logForms.join(", ")}, but it is ${JSON.stringify(text)}.`)
}

/** Returns the options of a log in this form, which is whole unless it is `none`. */
export function toLogOptions(form: LogForm): LogOptions {
  return form === "none" ? { level: "silent" } : { form: form === "json" ? "json" : "text" }
}

/** Parses a JSON object. `what` names the argument in error messages. */
export function parseJsonObject(text: string, what: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text)
    if (isJsonObject(value)) return value
  } catch {
    // The error below covers this case, like any other value that is not an object.
  }
  throw new UsageError(`${what} must be a JSON object, as {"name":"Ada"}, but it is ${formatAsLine(text)}`)
}

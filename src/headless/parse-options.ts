import type { z } from "zod"
import { ConfigurationError } from "../core/errors.ts"

/**
 * Applies the schema's defaults. Throws a `ConfigurationError` that names every unknown or wrong option, but no
 * value. The caller's schema must have the keys of `Resolved`.
 */
export function parseOptions<Resolved>(caller: string, schema: z.ZodType, options: unknown): Resolved {
  const { success, data, error } = schema.safeParse(options)
  if (success) return data as Resolved
  const problems = error.issues.map((issue) => {
    if (issue.code === "unrecognized_keys") return `unknown option ${issue.keys.join(", ")}`
    return `${issue.path.map(String).join(".") || "options"}: ${issue.message.replace(/^Invalid input: /, "")}`
  })
  throw new ConfigurationError(`${caller}: ${problems.join("; ")}`)
}

/** Returns true for a function. Only the type of such an option is checked. */
export function isFunction(value: unknown): boolean {
  return typeof value === "function"
}

import { ConfigurationError } from "../../../core/errors.ts"

export type Environment = Readonly<Record<string, string | undefined>>

const reference = /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g

/**
 * Replaces `${NAME}` and `${NAME:-default}` in every text of a JSON value. Keys stay unchanged. As in a shell, the
 * default also replaces an empty variable. Throws a `ConfigurationError` if a variable is not set and has no default.
 */
export function expandVariables(value: unknown, environment: Environment, path: string): unknown {
  if (typeof value === "string") return expandText(value, environment, path)
  if (Array.isArray(value)) {
    return value.map((item, index) => expandVariables(item, environment, `${path}[${index}]`))
  }
  if (typeof value !== "object" || value === null) return value
  const entries = Object.entries(value)
  return Object.fromEntries(
    entries.map(([key, item]) => [key, expandVariables(item, environment, `${path}.${key}`)]),
  )
}

function expandText(text: string, environment: Environment, path: string): string {
  return text.replace(reference, (_reference, name: string, fallback?: string) => {
    const value = environment[name]
    if (fallback !== undefined) return value === undefined || value === "" ? fallback : value
    if (value !== undefined) return value
    throw new ConfigurationError(`${path}: the environment variable ${name} is not set and has no default.`)
  })
}

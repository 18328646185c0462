import { z } from "zod"
import { findClosestWord } from "../../core/text/closest-word.ts"
import { findAdvice, toCamelCase } from "./renamed-options.ts"

/** Minimum length of a key that is compared with the beginnings of options. */
const shortestBeginning = 3

/** Describes every unknown or wrong option, and how to fix it. Quotes no value, because it may be a secret. */
export function describeIssues({ issues }: z.ZodError, schema: z.ZodType): string {
  return issues
    .flatMap(selectIssues)
    .map((issue) => {
      if (issue.code !== "unrecognized_keys") {
        // The message of a rule about several options is complete in itself.
        if (issue.code === "custom" && issue.path.length === 0) return issue.message
        return `${formatOptionName(issue.path) || "options"}: ${formatProblem(issue)}`
      }
      const known = listNames(schema, issue.path)
      return issue.keys.map((key) => describeUnknownOption(key, issue.path, known)).join("; ")
    })
    .join("; ")
}

/**
 * Returns the issues to describe. If a value has the form of one member of a union, the issues of that member are
 * more helpful than the issue of the union. A union with its own message is described by that message.
 */
function selectIssues(issue: z.core.$ZodIssue): readonly z.core.$ZodIssue[] {
  if (issue.code !== "invalid_union" || issue.message !== "Invalid input") return [issue]
  const [closest, ...others] = issue.errors.filter((errors) =>
    errors.every(({ path, code }) => path.length > 0 || code === "unrecognized_keys"),
  )
  if (closest === undefined || others.length > 0) return [issue]
  return closest.map((each) => ({ ...each, path: [...issue.path, ...each.path] })).flatMap(selectIssues)
}

/** Describes an option that is not among the known ones, with the option to use if there is one. */
function describeUnknownOption(key: string, path: readonly PropertyKey[], known: readonly string[]): string {
  const unknown = `unknown option ${formatOptionName([...path, key])}`
  const renamed = toCamelCase(key)
  const longer = known.includes(renamed) ? renamed : findLongerWord(renamed, known)
  const advice = longer === null ? findAdvice(key) : null
  if (advice !== null) return `${unknown} (${advice})`
  const meant = longer ?? findClosestWord(renamed, known)
  return meant === null ? unknown : `${unknown} (did you mean ${meant}?)`
}

/** Returns the shortest option that starts with the key, as `skillsDir` for `skills`. Null if there is none. */
function findLongerWord(key: string, known: readonly string[]): string | null {
  if (key.length < shortestBeginning) return null
  const longer = known.filter((name) => name.toLowerCase().startsWith(key.toLowerCase()))
  return longer.sort((a, b) => a.length - b.length)[0] ?? null
}

/** Writes a path as in code: `mcpServers.files.args[0]`. */
function formatOptionName(path: readonly PropertyKey[]): string {
  return path
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    .join("")
    .replace(/^\./, "")
}

/** Returns the names of the options that the schema has at a path. */
function listNames(schema: unknown, path: readonly PropertyKey[]): readonly string[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return listNames(schema.unwrap(), path)
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => listNames(option, path))
  const [key, ...rest] = path
  if (schema instanceof z.ZodArray) return listNames(schema.element, rest)
  if (schema instanceof z.ZodRecord) return listNames(schema.valueType, rest)
  if (!(schema instanceof z.ZodObject)) return []
  return key === undefined ? Object.keys(schema.shape) : listNames(schema.shape[String(key)], rest)
}

function formatProblem(issue: z.core.$ZodIssue): string {
  if (issue.code === "too_small" && issue.origin === "string" && issue.minimum === 1) {
    return "is empty. If it comes from an environment variable, set that variable"
  }
  if (issue.code === "too_small" && issue.origin !== "string") {
    return `must be ${issue.inclusive === true ? "at least" : "greater than"} ${issue.minimum}`
  }
  if (issue.code === "too_big" && issue.origin !== "string") {
    return `must be ${issue.inclusive === true ? "at most" : "less than"} ${issue.maximum}`
  }
  return issue.message.replace(/^Invalid input: /, "")
}

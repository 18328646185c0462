import type { z } from "@hono/zod-openapi"
import type { FieldError } from "../problem.ts"

/** Maximum number of reported errors. It keeps the response to a bad request small. */
const maxErrors = 20
const maxNameCharacters = 64

type Issue = z.core.$ZodIssue

/**
 * Returns a schema's errors, each with the path of its field, including unknown fields. For a union, returns the
 * errors of the intended branch.
 */
export function toFieldErrors(error: z.ZodError): readonly FieldError[] {
  return error.issues
    .slice(0, maxErrors)
    .flatMap((issue) => flatten(issue, []))
    .slice(0, maxErrors)
}

function flatten(issue: Issue, parents: readonly PropertyKey[]): readonly FieldError[] {
  const path = [...parents, ...issue.path]
  if (issue.code === "unrecognized_keys") {
    return issue.keys
      .slice(0, maxErrors)
      .map((key) => ({ path: nameOf([...path, cut(key)]), message: "Unknown field" }))
  }
  const meant = issue.code === "invalid_union" ? findMeantBranch(issue.errors) : undefined
  if (meant !== undefined) return meant.flatMap((nested) => flatten(nested, path))
  const message = issue.code === "invalid_union" ? describeTypes(issue.errors) : null
  return [{ path: nameOf(path), message: message ?? issue.message }]
}

function nameOf(path: readonly PropertyKey[]): string {
  return path.map(String).join(".")
}

/** Truncates a key, which the client wrote. */
function cut(key: string): string {
  return key.length > maxNameCharacters ? `${key.slice(0, maxNameCharacters)}…` : key
}

/** Returns a message with the types that the branches of a union expect. Null if a branch expects anything else. */
function describeTypes(branches: readonly (readonly Issue[])[]): string | null {
  const types = branches.map(([issue]) => (issue?.code === "invalid_type" ? issue.expected : null))
  return types.length === 0 || types.includes(null)
    ? null
    : `Invalid input: expected ${[...new Set(types)].join(" or ")}`
}

/** Returns the branch whose errors are inside the value, and not about the whole value. */
function findMeantBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  return branches.find((issues) => issues.length > 0 && issues.every((issue) => issue.path.length > 0))
}

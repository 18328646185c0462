import type { z } from "@hono/zod-openapi"
import type { FieldError } from "./problem.ts"

/** More would help nobody, and the answer to a bad request stays small. */
const maxErrors = 20

type Issue = z.core.$ZodIssue

/** A schema's complaints, each by the path of its field; in a union those of the branch that was meant. */
export function fieldErrors(error: z.ZodError): readonly FieldError[] {
  return error.issues.flatMap((issue) => flatten(issue, [])).slice(0, maxErrors)
}

function flatten(issue: Issue, parents: readonly PropertyKey[]): readonly FieldError[] {
  const path = [...parents, ...issue.path]
  const meant = issue.code === "invalid_union" ? meantBranch(issue.errors) : undefined
  if (meant !== undefined) return meant.flatMap((nested) => flatten(nested, path))
  return [{ path: path.map(String).join("."), message: issue.message }]
}

/** The branch whose complaints lie inside the value, not about the value as a whole. */
function meantBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  return branches.find((issues) => issues.length > 0 && issues.every((issue) => issue.path.length > 0))
}

import type { ToolResult, ToolResultMarks } from "../ports/tools/tool.ts"

/** Returns true if the call failed: its result is an error, or a value that is marked as one. */
export function isFailure(result: ToolResult): boolean {
  return result.type === "error" || result.isError === true
}

/** Returns the marks of a result, so that the result that replaces it keeps them. */
export function selectMarks(result: ToolResult): ToolResultMarks {
  if (result.type === "error") return {}
  const { isError, warning, loadServers } = result
  return {
    ...(isError === true && { isError }),
    ...(warning !== undefined && { warning }),
    ...(loadServers !== undefined && { loadServers }),
  }
}

/** Returns the code of an error, with its more specific code if it has one. */
export function formatErrorCode({
  code,
  subCode,
}: {
  readonly code: string
  readonly subCode?: string
}): string {
  return subCode === undefined ? code : `${code} (${subCode})`
}

import type { Json } from "../../core/json/json.ts"
import type { TransformToolResult } from "../../core/ports/tools/transform-tool-result.ts"

/** Returns true if the JSON result of a call reports a failure, for example `success: false`. */
export type IsErrorResult = (value: Json, call: { readonly toolName: string }) => boolean

/** Marks results as failed that the application recognizes as failures. */
export function markErrors(isErrorResult: IsErrorResult): TransformToolResult {
  return (result, { toolName }) =>
    result.type === "json" && isErrorResult(result.value, { toolName })
      ? { ...result, isError: true }
      : result
}

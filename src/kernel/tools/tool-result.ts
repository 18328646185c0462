import { z } from "zod"
import { GatewayError } from "../../core/errors.ts"
import type { Json } from "../../core/json/json.ts"
import { toJson } from "../../core/json/to-json.ts"
import type { ToolResult } from "../../core/ports/tools/tool.ts"
import { describeIssues } from "../../platform/options/describe-issues.ts"
import { findContent } from "./tool-content.ts"

// The symbol is registered, so that a value of another copy of this package is recognized too.
const mark = Symbol.for("ai-agent-gateway.tool-result")

/** A tool's result with more than its value. Created by `toolResult()` and `toolError()`. */
export interface MarkedToolResult {
  readonly [mark]: ToolResult
}

export interface ToolResultOptions {
  /**
   * If true, the call failed, and the model receives the value as the result of a failed call. Default false: the
   * fields of a value never mark a failure.
   */
  readonly isError?: boolean
  /** A note that the model and clients receive with the result. A longer one is truncated to 4 096 bytes. */
  readonly warning?: string
  /**
   * Names of MCP servers with `onDemand` whose tools the model receives from its next call on, for the rest of the
   * session. At most 100.
   */
  readonly loadServers?: readonly string[]
}

export interface ToolErrorOptions {
  /** Code of the failure, like a thrown error's `code`. Letters, digits, `_`, `-` and `.`, at most 128. */
  readonly code: string
  /** A more specific code, such as `not_found`, with the same characters as `code`. Default: none. */
  readonly subCode?: string
  /** Message for the model: what happened, and what it can do next. */
  readonly message: string
}

const code = z.string().regex(/^[\w.-]{1,128}$/, "expected 1 to 128 letters, digits, _, - or .")
const resultOptions = z.strictObject({
  isError: z.boolean().optional(),
  warning: z.string().min(1).optional(),
  loadServers: z.array(z.string().min(1).max(64)).max(100).optional(),
})
const errorOptions = z.strictObject({ code, subCode: code.optional(), message: z.string() })

/**
 * Returns a result with a warning, or the result of a failed call. `value` is any JSON value, or text and images made
 * by `content()`. Throws a `GatewayError` (`invalid_tool_result`) for options that cannot be used.
 *
 * @example return toolResult(rows, { warning: "Only 40 of 100 rows matched." })
 */
export function toolResult(value: unknown, options: ToolResultOptions = {}): MarkedToolResult {
  const { isError, warning, loadServers } = parse(resultOptions, options, "toolResult()")
  const marks = {
    ...(isError === true && { isError }),
    ...(warning !== undefined && { warning }),
    ...(loadServers !== undefined && { loadServers }),
  }
  const content = findContent(value)
  if (content !== null) return { [mark]: { type: "content", content, ...marks } }
  const json: Json = toJson(value, "The value of toolResult()")
  return { [mark]: { type: "json", value: json, ...marks } }
}

/**
 * Returns an error for the model, without throwing one. Throws a `GatewayError` (`invalid_tool_result`) for options
 * that cannot be used.
 *
 * @example return toolError({ code: "tool_failed", subCode: "not_found", message: "There is no order 7." })
 */
export function toolError(options: ToolErrorOptions): MarkedToolResult {
  const { code, subCode, message } = parse(errorOptions, options, "toolError()")
  return { [mark]: { type: "error", code, ...(subCode !== undefined && { subCode }), message } }
}

/** Returns the result inside. Null for any other value. */
export function findMarkedResult(value: unknown): ToolResult | null {
  return typeof value === "object" && value !== null && mark in value
    ? (value as MarkedToolResult)[mark]
    : null
}

function parse<Options>(schema: z.ZodType<Options>, options: unknown, name: string): Options {
  const parsed = schema.safeParse(options)
  if (parsed.success) return parsed.data
  const problems = describeIssues(parsed.error, schema)
  throw new GatewayError(
    { code: "invalid_tool_result", status: 500 },
    `${name} received invalid options: ${problems}.`,
  )
}

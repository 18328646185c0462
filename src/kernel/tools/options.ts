import { z } from "zod"
import { findRepeated } from "../../core/find-repeated.ts"
import type { Tool } from "../../core/ports/tools/tool.ts"
import type { TransformToolResult } from "../../core/ports/tools/transform-tool-result.ts"
import { declareOptions } from "../../platform/options/declare-options.ts"
import { createFunctionSchema, texts } from "../../platform/options/schemas.ts"
import type { IsErrorResult } from "./mark-errors.ts"

/** Options of the model's tools. */
export interface ToolOptions {
  /** Tools created with `tool()`. Their names must be unique. Default: none. */
  readonly tools?: readonly Tool[]
  /** Names of tools to hide from the model, for example of an MCP server. Default: none. */
  readonly excludedTools?: readonly string[]
  /**
   * Recognizes failures in JSON results, such as `success: false`. The model, clients and hooks then receive the result
   * as that of a failed call. Called before `transformToolResult`. Default: only errors and `isError` are failures.
   */
  readonly isErrorResult?: IsErrorResult
  /** Changes the results of executed calls before they are logged and shown. Default: results are not changed. */
  readonly transformToolResult?: TransformToolResult
}

/** Any other value would only fail when the model calls it. */
const aTool = z.custom<Tool>((value) => {
  const { name, validate, execute } = Object(value) as { readonly [key: string]: unknown }
  return typeof name === "string" && typeof validate === "function" && typeof execute === "function"
}, "expected a tool, as tool() makes it")

/** Two tools of one name would only fail when the gateway opens, far from the line that lists them. */
const tools = z.array(aTool).superRefine((list, context) => {
  const twin = findRepeated(list.map(({ name }) => name))
  if (twin === undefined) return
  context.addIssue(`two tools are named ${JSON.stringify(twin)}. Rename one of them, or remove it.`)
})

export const toolOptions = declareOptions<ToolOptions>()({
  tools: tools.default([]),
  excludedTools: texts.default([]),
  isErrorResult: createFunctionSchema<IsErrorResult>().optional(),
  transformToolResult: createFunctionSchema<TransformToolResult>().optional(),
})

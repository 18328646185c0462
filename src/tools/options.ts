import { z } from "zod"
import type { Tool } from "../core/ports/tool.ts"
import type { TransformToolResult } from "../core/ports/transform-tool-result.ts"
import { declareOptions } from "../options/declare-options.ts"
import { callback, texts } from "../options/schemas.ts"

/** Options of the tools that a model is offered. */
export interface ToolOptions {
  /** Tools that `tool()` makes. Their names must differ. Default: none. */
  readonly tools?: readonly Tool[]
  /** Names of tools that the model is not offered, for example of an MCP server. Default: none. */
  readonly excludedTools?: readonly string[]
  /**
   * Changes the results of executed calls before they are logged and before anyone sees them. Default: results stay
   * as they are.
   */
  readonly transformToolResult?: TransformToolResult
}

/** Anything else would only fail when the model calls it. */
const aTool = z.custom<Tool>((value) => {
  const { name, validate, execute } = Object(value) as { readonly [key: string]: unknown }
  return typeof name === "string" && typeof validate === "function" && typeof execute === "function"
}, "expected a tool, as tool() makes it")

export const toolOptions = declareOptions<ToolOptions>()({
  tools: z.array(aTool).default([]),
  excludedTools: texts.default([]),
  transformToolResult: callback<TransformToolResult>().optional(),
})

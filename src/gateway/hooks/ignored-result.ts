import type { Logger } from "../../core/ports/logger.ts"

/**
 * Returns the hook with a warning if it returns a list, once. In the Python package 0.5.3, `on_tool_result` returns
 * further content blocks for the model. Here, hooks only observe.
 */
export function warnOfIgnoredBlocks<Parameters extends readonly unknown[]>(
  hook: (...parameters: Parameters) => void | Promise<void>,
  logger: Logger,
): (...parameters: Parameters) => Promise<void> {
  let hasWarned = false
  return async (...parameters) => {
    const result: unknown = await hook(...parameters)
    if (hasWarned || !Array.isArray(result)) return
    hasWarned = true
    logger.warn(
      { hook: "onToolResult" },
      "onToolResult returned a list, which is ignored. To give the model more content, return content([…]) from the " +
        "tool, or change its result with transformToolResult.",
    )
  }
}

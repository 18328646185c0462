import { nestsTooDeep } from "../../../core/json/json.ts"
import type { ToolResult } from "../../../core/ports/tools/tool.ts"
import { callBounded } from "../../../core/time/call-bounded.ts"
import type { SettlingContext } from "../run-context.ts"
import type { CallState } from "./call-state.ts"

/**
 * Applies the application's transformations to a result, one after the other. If one fails, the result is withheld,
 * because the transformation may remove sensitive data. Rejects with the signal's reason if the run is aborted.
 */
export async function transformResult(
  { runtime, conversation, sessionId, tenant, userId, signal, logger }: SettlingContext,
  {
    requested: { toolCallId, name: toolName },
    input,
    origin,
  }: Pick<CallState, "requested" | "input" | "origin">,
  result: ToolResult,
): Promise<ToolResult> {
  const { transformToolResults, callbackTimeoutMs: timeoutMs } = runtime
  const runId = conversation.run?.runId ?? ""
  const call = { toolName, origin, input, toolCallId, runId, session: { id: sessionId, tenant, userId } }
  let transformed = result
  try {
    for (const transform of transformToolResults) {
      const before = transformed
      const bounds = { name: "transformToolResult", signal, timeoutMs }
      transformed = await callBounded((stop) => transform(before, { ...call, signal: stop }), bounds)
      if (nestsTooDeep(transformed)) throw new TypeError("The result nests too deeply.")
    }
    return transformed
  } catch (error) {
    signal.throwIfAborted()
    logger.error(
      { error, sessionId, runId, toolCallId },
      "transformToolResult failed. The model does not see the result of this call.",
    )
    return withheld
  }
}

const withheld: ToolResult = {
  type: "error",
  code: "result_withheld",
  message:
    "The tool was executed, but its result could not be prepared, so it is not shown. The call " +
    "may have taken effect. Check that before you repeat it.",
}

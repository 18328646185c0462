import { isJsonObject, nestsTooDeep } from "../../../core/json/json.ts"
import type { ReturnedWait, Tool } from "../../../core/ports/tools/tool.ts"
import { resolveOrigin } from "../../../core/tools/tool-origin.ts"
import { startChild } from "../children/start-child.ts"
import type { ModelRunContext } from "../run-context.ts"
import type { CallState } from "../tools/call-state.ts"
import { openWait } from "./open-wait.ts"
import { askUser } from "./questions.ts"
import { refuseIfTooMany, WaitRefused } from "./refused-wait.ts"

/** The longest sleep: one year. */
const longestSleepMs = 366 * 24 * 60 * 60 * 1_000
/** Maximum characters of a sleeping tool's continuation as JSON. */
const maxContinuationCharacters = 1_000_000

/** Opens the wait that the tool returned. Throws a `WaitRefused` if it cannot be opened. */
export async function openReturnedWait(
  context: ModelRunContext,
  tool: Tool,
  call: CallState,
  returned: ReturnedWait,
): Promise<void> {
  switch (returned.kind) {
    case "elicitation":
      return askUser(context, tool, call, returned)
    case "timer":
      return sleep(context, tool, call, returned)
    case "child":
      return startChild(context, tool, call, returned)
    default:
      // A tool without types may return any value.
      returned satisfies never
      throw new WaitRefused("invalid_wait", "The tool returned a wait of an unknown kind.")
  }
}

async function sleep(
  context: ModelRunContext,
  tool: Tool,
  call: CallState,
  { until, tasks, continuation }: Extract<ReturnedWait, { kind: "timer" }>,
): Promise<void> {
  refuseIfTooMany(call, "timer")
  const problem = findProblem(until, continuation, context.clock.now())
  if (problem !== null) throw new WaitRefused("invalid_wait", `The tool's sleep ${problem}.`)
  await openWait(context, {
    toolCallId: call.requested.toolCallId,
    toolName: tool.name,
    origin: resolveOrigin(tool, call.input),
    asks: { kind: "timer", payload: tasks === undefined ? {} : { tasks } },
    answerSchema: null,
    expiresAt: until,
    continuation,
  })
}

/** Returns the problem of a timer, if there is one. The values may come from untyped code. */
function findProblem(until: unknown, continuation: unknown, now: number): string | null {
  if (typeof until !== "number" || !Number.isFinite(until)) return "has no end that is a time in milliseconds"
  if (until - now > longestSleepMs) return "ends more than a year from now"
  if (!isJsonObject(continuation)) return "has a continuation that is not an object"
  if (nestsTooDeep(continuation)) return "has a continuation that nests too deeply"
  const size = JSON.stringify(continuation).length
  if (size > maxContinuationCharacters) {
    return `has a continuation of more than ${maxContinuationCharacters} characters`
  }
  return null
}

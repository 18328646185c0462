import { CallInterruptedError, toError } from "../../../core/errors.ts"
import { nestsTooDeep } from "../../../core/json/json.ts"
import type {
  Answered,
  EmittedData,
  Tool,
  ToolContext,
  ToolOutcome,
  ToolResult,
} from "../../../core/ports/tools/tool.ts"
import { removeSecrets } from "../../../core/text/remove-secrets.ts"
import { selectTraceparent } from "../observing/observe-event.ts"
import type { ModelRunContext } from "../run-context.ts"
import type { CallState } from "./call-state.ts"
import type { LiveOutput } from "./live-output.ts"
import { startTimeLimit } from "./time-limit.ts"

interface Execution {
  readonly call: CallState
  /** The input as the tool's `validate` returned it. */
  readonly input: unknown
  readonly ask: ToolContext["ask"]
  readonly tasks: ToolContext["tasks"]
  readonly emitData: (data: EmittedData) => void
  /** Closed at the end of the execution. */
  readonly output: LiveOutput
}

/**
 * Executes the tool. Always resolves to an outcome, except if the execution is aborted, which rejects with the
 * signal's reason. If the tool throws or exceeds its time limit, the outcome is an error. After a timeout, the tool
 * is aborted but not awaited. The outcome is `interrupted` if the executor is gone, or if the hold on the session
 * lapses during a call that must not be repeated.
 */
export async function executeTool(
  context: ModelRunContext,
  tool: Tool,
  { call, input, ask, tasks, emitData, output }: Execution,
): Promise<ToolOutcome | "interrupted"> {
  const timeoutMs = tool.timeoutMs ?? context.runtime.toolTimeoutMs
  const stop = new AbortController()
  const { promise: stopped, reject } = Promise.withResolvers<never>()
  const abort = () => stop.abort(context.signal.reason)
  const limit = startTimeLimit(timeoutMs, () => stop.abort(new ToolTimeout(timeoutMs)))
  stop.signal.addEventListener("abort", () => reject(stop.signal.reason), { once: true })
  context.signal.addEventListener("abort", abort, { once: true })
  if (context.signal.aborted) abort()
  const mayRunTwice = tool.readOnly === true || tool.idempotent === true
  const forgetLapse = mayRunTwice ? null : context.hold.onLapse(() => stop.abort(new HoldLapsed()))
  const toolContext: ToolContext = {
    ...callContext(context, call),
    signal: stop.signal,
    tasks,
    ask(question) {
      const asked = ask(question)
      const answer = limit.pauseFor(context.pauseStepLimit?.(asked) ?? asked)
      // The tool receives the rejection. A tool that does not await the answer must not end the process.
      answer.catch(() => undefined)
      return answer
    },
    emit(emitted: string | EmittedData, stream?: "stdout" | "stderr") {
      if (!output.isOpen) return
      if (typeof emitted === "string") output.show(emitted, stream)
      else emitData(emitted)
    },
  }
  const { toolCallId } = call.requested
  const execution = (async () => context.traces.within(toolCallId, () => tool.execute(input, toolContext)))()
  try {
    const outcome = await Promise.race([execution, stopped])
    return nestsTooDeep(outcome) ? tooDeep : redactOutcome(outcome)
  } catch (error) {
    if (context.signal.aborted) {
      context.runtime.follow(execution)
      throw context.signal.reason
    }
    if (error instanceof CallInterruptedError) return "interrupted"
    if (stop.signal.reason instanceof HoldLapsed) {
      context.runtime.follow(execution)
      return "interrupted"
    }
    const fields = { error, tool: tool.name, toolCallId, sessionId: context.sessionId }
    context.logger.debug(fields, "A tool threw an error. The model receives its message.")
    return toErrorResult(error)
  } finally {
    limit.stop()
    forgetLapse?.()
    context.signal.removeEventListener("abort", abort)
    output.close()
  }
}

function callContext(
  context: ModelRunContext,
  call: CallState,
): Omit<ToolContext, "signal" | "ask" | "emit" | "tasks"> {
  const { conversation, sessionId, tenant, userId, logger } = context
  const { toolCallId } = call.requested
  return {
    session: { id: sessionId, tenant, userId, channel: conversation.run?.started.channel ?? null },
    context: conversation.run?.started.context ?? {},
    runId: conversation.run?.runId ?? "",
    toolCallId,
    traceparent: selectTraceparent(context, toolCallId),
    idempotencyKey: toolCallId,
    answered: findAnswered(call),
    logger,
  }
}

function findAnswered({ wait, resolved }: CallState): Answered | null {
  const continuation = wait?.continuation ?? null
  if (continuation === null || resolved === null) return null
  switch (resolved.kind) {
    case "elicitation":
      return { kind: "elicitation", continuation, ...resolved.resolution }
    case "child":
      return { kind: "child", continuation, ...resolved.resolution }
    case "timer":
      return { kind: "timer", continuation }
    case "approval":
    case "clientTool":
      return null
    default:
      return resolved satisfies never
  }
}

const tooDeep: ToolResult = {
  type: "error",
  code: "not_json",
  message:
    "The tool's result nests too deeply, so it was not sent. The call may " +
    "have taken effect. Check that before you repeat it.",
}

/** Another process may take the session and settle this call, so this process must not continue it. */
class HoldLapsed extends Error {
  constructor() {
    super("This server may have lost the session, so the call was stopped.")
  }
}

class ToolTimeout extends Error {
  constructor(timeoutMs: number) {
    super(
      `The tool did not return within ${timeoutMs} ms. It may or may not ` +
        "have taken effect. Check that before you repeat it.",
    )
  }
}

/** Masks secrets in messages and warnings: they may quote the tool's configuration, and every client receives them. */
function redactOutcome(outcome: ToolOutcome): ToolOutcome {
  if (outcome.type === "error") return { ...outcome, message: removeSecrets(outcome.message) }
  const isMarked = (outcome.type === "json" || outcome.type === "content") && outcome.warning !== undefined
  return isMarked ? { ...outcome, warning: removeSecrets(outcome.warning) } : outcome
}

/**
 * Returns the error result. The error's own `code` and `subCode` are kept, because tools name their failures by them.
 */
function toErrorResult(thrown: unknown): ToolResult {
  const error = toError(thrown)
  if (error instanceof ToolTimeout) return { type: "error", code: "timeout", message: error.message }
  const code = "code" in error && typeof error.code === "string" ? error.code : "tool_failed"
  const subCode = "subCode" in error && typeof error.subCode === "string" ? { subCode: error.subCode } : {}
  return { type: "error", code, ...subCode, message: removeSecrets(error.message) }
}

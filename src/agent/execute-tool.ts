import { CallInterruptedError, toError } from "../core/errors.ts"
import type { Tool, ToolContext, ToolResult } from "../core/ports/tool.ts"
import type { ModelRunContext } from "./run-context.ts"

/** Characters of live output that one call may show; the result itself is bounded apart from it. */
const maxOutputCharacters = 1_000_000

interface Call {
  readonly stepId: string
  readonly toolCallId: string
  readonly input: unknown
}

/**
 * Executes the tool and always answers: a throw is an error result, and so is a timeout, after which the tool is
 * told to stop but not waited for; `interrupted` when what executed it is gone. Rejects, with the signal's reason, only
 * when the attempt is aborted.
 */
export async function executeTool(
  context: ModelRunContext,
  tool: Tool,
  call: Call,
): Promise<ToolResult | "interrupted"> {
  const timeoutMs = tool.timeoutMs ?? context.runtime.toolTimeoutMs
  const stop = new AbortController()
  const { promise: stopped, reject } = Promise.withResolvers<never>()
  const abort = () => stop.abort(context.signal.reason)
  const timer = setTimeout(() => stop.abort(new ToolTimeout(timeoutMs)), timeoutMs)
  stop.signal.addEventListener("abort", () => reject(stop.signal.reason), { once: true })
  context.signal.addEventListener("abort", abort, { once: true })
  if (context.signal.aborted) abort()
  const output = liveOutput(context, tool, call)
  try {
    const execution = Promise.resolve().then(() =>
      tool.execute(call.input, toolContext(context, call, stop.signal, output)),
    )
    return await Promise.race([execution, stopped])
  } catch (error) {
    if (context.signal.aborted) throw context.signal.reason
    if (error instanceof CallInterruptedError) return "interrupted"
    return errorResult(error)
  } finally {
    clearTimeout(timer)
    context.signal.removeEventListener("abort", abort)
    output.close()
  }
}

function toolContext(
  context: ModelRunContext,
  call: Call,
  signal: AbortSignal,
  output: LiveOutput,
): ToolContext {
  const { conversation, sessionId, userId, logger } = context
  const { toolCallId } = call
  return {
    signal,
    session: { id: sessionId, userId, channel: conversation.run?.started.channel ?? null },
    runId: conversation.run?.runId ?? "",
    toolCallId,
    idempotencyKey: toolCallId,
    emit: output.emit,
    logger,
  }
}

interface LiveOutput {
  readonly emit: ToolContext["emit"]
  close(): void
}

function liveOutput({ journal }: ModelRunContext, tool: Tool, { stepId, toolCallId }: Call): LiveOutput {
  let open = true
  let chunk = 0
  let charactersLeft = maxOutputCharacters
  return {
    emit(text, stream = "stdout") {
      if (!open || text === "" || charactersLeft <= 0) return
      const shown =
        text.length > charactersLeft
          ? `${text.slice(0, charactersLeft)}\n[Further output is not shown.]`
          : text
      charactersLeft -= text.length
      journal.emit({
        type: "toolOutput",
        stepId,
        toolCallId,
        toolName: tool.name,
        stream,
        text: shown,
        chunk,
      })
      chunk += 1
    },
    close() {
      open = false
    },
  }
}

class ToolTimeout extends Error {
  constructor(timeoutMs: number) {
    super(`The tool did not answer within ${timeoutMs} ms; it may or may not have taken effect.`)
  }
}

/** An error with a `code` of its own keeps it: that is how a tool names its failures. */
function errorResult(thrown: unknown): ToolResult {
  const error = toError(thrown)
  if (error instanceof ToolTimeout) return { type: "error", code: "timeout", message: error.message }
  const code = "code" in error && typeof error.code === "string" ? error.code : "tool_failed"
  return { type: "error", code, message: error.message }
}

import type { RunHooks } from "../core/agent-runtime.ts"
import type { EventEntry } from "../core/entries.ts"
import type { Logger } from "../core/ports/logger.ts"
import type { Usage } from "../core/usage.ts"
import type { CallState } from "./call-state.ts"

interface Occasion {
  readonly entry: EventEntry
  readonly sessionId: string
  /** The calls of the step the entry belongs to. */
  readonly calls: ReadonlyMap<string, CallState> | null
  readonly logger: Logger
}

/** Tells the user's hooks of a durable event. Does not wait for them; their failures go to the log. */
export function notifyHooks(hooks: RunHooks, { entry, sessionId, calls, logger }: Occasion): void {
  const { event, runId } = entry
  const guard = (hook: keyof RunHooks, invoke: () => unknown) => {
    report(invoke, (error) =>
      logger.error({ error, hook, sessionId, runId }, "A hook failed. The run continues."),
    )
  }
  guard("onEvent", () => hooks.onEvent?.(entry, { sessionId }))
  if (runId === null) return
  if (event.type === "messageCompleted") {
    const { stepId: id, model, usage, cost, estimated } = event
    const call = { id, sessionId, runId, model, usage, cost, estimated, failed: false }
    guard("onUsage", () => hooks.onUsage?.(call))
  }
  if (event.type === "modelCallFailed" && isAny(event.usage)) {
    const { stepId, attempt, model, usage, cost, estimated } = event
    const id = `${stepId}.${attempt}`
    const call = { id, sessionId, runId, model, usage, cost, estimated, failed: true }
    guard("onUsage", () => hooks.onUsage?.(call))
  }
  if (event.type === "toolCallCompleted") {
    const { toolCallId, name: toolName, result, durationMs } = event
    const call = { sessionId, runId, toolCallId, toolName }
    const input = calls?.get(toolCallId)?.requested.input ?? {}
    guard("onToolResult", () => hooks.onToolResult?.({ ...call, input, result }))
    guard("onToolTiming", () => hooks.onToolTiming?.({ ...call, durationMs, ok: result.type !== "error" }))
  }
}

function isAny(usage: Usage): boolean {
  return Object.values(usage).some((tokens) => tokens > 0)
}

function report(invoke: () => unknown, onError: (error: unknown) => void): void {
  try {
    Promise.resolve(invoke()).catch(onError)
  } catch (error) {
    onError(error)
  }
}

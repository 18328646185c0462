import { isJsonObject, type Json } from "../../core/json/json.ts"
import type { EventEntry, LiveEntry } from "../../core/log/entries.ts"
import type { Wait } from "../../core/ports/store/approvals.ts"
import type { Validation } from "../../core/ports/tools/tool.ts"
import { addSpending, noSpending, type Spending } from "../../core/usage.ts"
import { summarizeRun } from "../../kernel/sessions/reading/summarize-run.ts"
import type { ViewEnd } from "../../kernel/sessions/reading/view-end.ts"
import type { RunResult } from "../../kernel/sessions/sessions.ts"
import type { CompiledSchema } from "../../kernel/tools/input-schema.ts"
import type { ApprovalAnswer, GatewayRunResult, RunOptions } from "../gateway.ts"
import type { ElicitationAnswer } from "../operate/waits.ts"
import { checkBackgroundWait } from "../options/check-options.ts"
import { answerWaits, type People } from "./answer-waits.ts"
import { createCallbackWatch } from "./callback-watch.ts"
import { type EndTasksParts, endTasks } from "./end-tasks.ts"
import { type FollowOptions, type FollowParts, followRun, toChatEvent } from "./follow-run.ts"
import { startRun } from "./start-run.ts"

export interface RunOnceOptions extends Omit<RunOptions, "output"> {
  /** Schema of the output, if one is requested. */
  readonly schema?: CompiledSchema | undefined
}

/** Sends one message, and follows its run to the end. A callback that throws cancels the run. */
export async function runOnce(
  parts: FollowParts & EndTasksParts,
  message: string,
  {
    schema,
    onText = () => undefined,
    onRetry = () => undefined,
    onEvent,
    park = false,
    onApproval: approve = park ? undefined : denyAll,
    onElicitation: elicit = park ? undefined : declineAll,
    backgroundWaitSeconds,
    ...options
  }: RunOnceOptions,
): Promise<GatewayRunResult<unknown>> {
  const { sessions, logger } = parts
  if (backgroundWaitSeconds !== undefined) checkBackgroundWait(backgroundWaitSeconds)
  const run = await startRun({ ...parts, caller: "run" }, message, { ...options, schema })
  const watch = createCallbackWatch(logger)
  const print = createTextPrinter((text) => watch.call(() => onText(text)))
  let model: string | null = null
  let summary: string | null = null
  let isParked = false
  const onEnd = ({ type }: ViewEnd) => {
    isParked = type === "parked"
  }
  const onApproval = askOnce(approve)
  const onElicitation = askOnce(elicit)
  const ask: FollowOptions = {
    onApproval,
    onElicitation,
    hasClient: false,
    toolInputDeltas: options.toolInputDeltas,
    untilParked: park,
    onEnd,
    signal: AbortSignal.any([watch.signal, ...(options.signal === undefined ? [] : [options.signal])]),
  }
  /** The events of a run that may be parked, for a summary. */
  const events: EventEntry[] = []
  for await (const { entry, frames } of followRun(parts, run, ask)) {
    if (entry !== null) {
      // No summary has results of tools, which may be large.
      if (park && entry.kind === "event" && entry.event.type !== "toolCallCompleted") events.push(entry)
      print(entry)
      const { event } = entry.kind === "event" ? entry : {}
      if (event?.type === "stepRetried") watch.call(() => onRetry(event.error))
      model = findModel(entry) ?? model
      if (event?.type === "maxTurnsReached") summary = event.summary ?? null
    }
    if (onEvent !== undefined) for (const frame of frames) watch.call(() => onEvent(toChatEvent(frame)))
  }
  watch.throwIfFailed()
  const { sessionId, runId, existed } = run
  if (isParked) {
    const parked = { outcome: "parked", reason: null, error: null, output: null } as const
    const soFar = { ...summarizeRun(events), ...sumSpending(events) }
    return { ...soFar, sessionId, runId, existed, model, summary, cancelledTasks: [], ...parked }
  }
  const people: People = {
    logger,
    approve: onApproval ?? null,
    elicit: onElicitation ?? null,
    hasClient: false,
    asked: new Set(),
  }
  const cancelledTasks =
    backgroundWaitSeconds === undefined
      ? []
      : await endTasks(parts, run, {
          waitMs: backgroundWaitSeconds * 1_000,
          signal: options.signal ?? new AbortController().signal,
          answerWaits: () => answerWaits(sessions, run, people),
        })
  const result = await sessions.result(sessionId, runId, {})
  return createResult(result, { sessionId, existed, model, summary, schema, cancelledTasks })
}

function denyAll(): ApprovalAnswer {
  return { approved: false, reason: "No one can be asked in this run." }
}

function declineAll(): ElicitationAnswer {
  return { action: "decline" }
}

/** Returns a function that prints the text of the model's messages, with a blank line between them. */
function createTextPrinter(onText: (text: string) => void): (entry: LiveEntry) => void {
  let messageId: string | null = null
  return (entry) => {
    if (entry.kind !== "delta" || entry.delta.type !== "textDelta") return
    if (messageId !== null && messageId !== entry.delta.messageId) onText("\n\n")
    messageId = entry.delta.messageId
    onText(entry.delta.text)
  }
}

function findModel(entry: LiveEntry): string | null {
  return entry.kind === "event" && entry.event.type === "messageCompleted" ? entry.event.model : null
}

async function createResult(
  { outcome, ...facts }: RunResult,
  {
    schema,
    ...run
  }: Pick<GatewayRunResult, "sessionId" | "existed" | "model" | "summary" | "cancelledTasks"> & {
    readonly schema: CompiledSchema | undefined
  },
): Promise<GatewayRunResult<unknown>> {
  const { usage, cost } = outcome
  const common = { ...facts, ...run, usage, cost, output: null }
  const createFailedResult = (error: NonNullable<GatewayRunResult["error"]>) =>
    ({ ...common, outcome: "failed", reason: null, error }) as const
  if (outcome.type === "runFailed") {
    const { code, message, providerMessage } = outcome
    return createFailedResult({ code, message, ...(providerMessage !== undefined && { providerMessage }) })
  }
  const { disposition, reason } = outcome
  const ended = { ...common, outcome: disposition, reason, error: null }
  if (schema === undefined || disposition !== "completed") return ended
  const parsed = await parse(schema, outcome.output)
  return parsed.valid
    ? { ...ended, output: parsed.input }
    : createFailedResult({
        code: "output_invalid",
        message: `The response does not match its schema: ${parsed.message}`,
      })
}

/**
 * Parses the output with the schema itself, which may check more than JSON Schema can express, and may transform the
 * output.
 */
async function parse(schema: CompiledSchema, output: Json | undefined): Promise<Validation> {
  // The run has already checked its output against the JSON Schema.
  if (isJsonObject(output)) return schema.parse?.(output) ?? { valid: true, input: output }
  return { valid: false, message: "the agent returned no such value." }
}

/**
 * Returns a function that asks a person about each wait once. Later calls for the same wait resolve to the same answer,
 * so a question that was shown during a run is not shown again after its end.
 */
function askOnce<Answer>(
  ask: ((wait: Wait) => Answer | Promise<Answer>) | undefined,
): ((wait: Wait) => Promise<Answer>) | undefined {
  if (ask === undefined) return undefined
  const answers = new Map<string, Promise<Answer>>()
  return (wait) => {
    const known = answers.get(wait.waitId)
    if (known !== undefined) return known
    const asked = (async () => ask(wait))()
    answers.set(wait.waitId, asked)
    return asked
  }
}

/** Returns the sum of the model calls of a run that has not ended. */
function sumSpending(events: readonly EventEntry[]): Spending {
  return events.reduce(
    (sum, { event }) =>
      event.type === "messageCompleted" || event.type === "modelCallFailed" ? addSpending(sum, event) : sum,
    noSpending,
  )
}

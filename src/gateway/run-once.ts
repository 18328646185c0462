import type { Entry } from "../core/entries.ts"
import { isJsonObject, type Json } from "../core/json.ts"
import type { Wait } from "../core/ports/approvals.ts"
import type { Logger } from "../core/ports/logger.ts"
import type { AnswerOutcome } from "../core/ports/session-log.ts"
import type { Validation } from "../core/ports/tool.ts"
import type { Misfit, RunResult, Sessions } from "../sessions/sessions.ts"
import type { CompiledSchema } from "../tools/input-schema.ts"
import type { ElicitationAnswer } from "./approvals.ts"
import { checkApprovalAnswer } from "./check-options.ts"
import type { ApprovalAnswer, GatewayRunResult, RunOptions } from "./gateway.ts"

/** Work that comes from code rather than from a client. */
const localPrincipal = { tenant: "local", userId: "local" }
const decidedBy = { via: "code", ...localPrincipal, address: null } as const

export interface RunOnceOptions extends Omit<RunOptions, "output"> {
  /** Of the answer, where one is asked for. */
  readonly schema?: CompiledSchema | undefined
  readonly logger: Logger
}

interface People {
  readonly logger: Logger
  readonly approve: (wait: Wait) => Promise<ApprovalAnswer>
  readonly elicit: (wait: Wait) => Promise<ElicitationAnswer>
}

/** One message in a new session, followed to its end. A callback that throws cancels the run. */
export async function runOnce(
  sessions: Sessions,
  message: string,
  {
    schema,
    signal,
    onText = () => undefined,
    onRetry = () => undefined,
    onApproval = denyAll,
    onElicitation = declineAll,
    logger,
  }: RunOnceOptions,
): Promise<GatewayRunResult<unknown>> {
  signal?.throwIfAborted()
  const { sessionId, runId, cursor } = await start(sessions, message, schema)
  const cancelled = Promise.withResolvers<void>()
  const cancel = async () => {
    try {
      await sessions.cancel(sessionId, runId)
    } catch (error) {
      logger.error({ error, sessionId, runId }, "a run could not be cancelled")
    }
    cancelled.resolve()
  }
  // Nobody waits for a person any more once the run is cancelled.
  const denied = cancelled.promise.then(() => ({ approved: false, reason: "The run was cancelled." }))
  const declined = cancelled.promise.then(() => ({ action: "cancel" }) as const)
  const people: People = {
    logger,
    approve: async (wait) => Promise.race([onApproval(wait), denied]),
    elicit: async (wait) => Promise.race([onElicitation(wait), declined]),
  }
  signal?.addEventListener("abort", cancel, { once: true })
  try {
    // It may have come while the run was started.
    if (signal?.aborted === true) await cancel()
    const print = textPrinter(onText)
    let model: string | null = null
    const view = sessions.view(sessionId, {
      afterSeq: cursor,
      runId,
      throughLapse: true,
      signal: new AbortController().signal,
    })
    for await (const batch of view) {
      try {
        for (const entry of batch) {
          print(entry)
          if (entry.kind === "event" && entry.event.type === "stepRetried") onRetry(entry.event.error)
          model = answeringModel(entry) ?? model
          if (isQuestion(entry)) await answerAll(sessions, sessionId, people)
        }
      } catch (error) {
        await cancel()
        throw error
      }
    }
    return await resultOf(await sessions.result(sessionId, runId, {}), { sessionId, model, schema })
  } finally {
    signal?.removeEventListener("abort", cancel)
  }
}

async function start(sessions: Sessions, message: string, schema: CompiledSchema | undefined) {
  const { id: sessionId } = await sessions.create(localPrincipal)
  const input = { type: "message", content: [{ type: "text", text: message }] } as const
  const request = { sessionId, input, context: {}, channel: null, model: null, idempotency: null }
  const accepted = await sessions.start({
    ...request,
    ...(schema !== undefined && { outputSchema: schema.jsonSchema }),
  })
  if (accepted.status !== "accepted")
    throw new Error(`A new session refused its first message: ${accepted.status}.`)
  const { runId, cursor } = accepted
  return { sessionId, runId, cursor }
}

function denyAll(): ApprovalAnswer {
  return { approved: false, reason: "Nobody is there to ask." }
}

function declineAll(): ElicitationAnswer {
  return { action: "decline" }
}

/** Gives the text of the model's messages, with a blank line between them. */
function textPrinter(onText: (text: string) => void): (entry: Entry) => void {
  let messageId: string | null = null
  return (entry) => {
    if (entry.kind !== "delta" || entry.delta.type !== "textDelta") return
    if (messageId !== null && messageId !== entry.delta.messageId) onText("\n\n")
    messageId = entry.delta.messageId
    onText(entry.delta.text)
  }
}

function answeringModel(entry: Entry): string | null {
  return entry.kind === "event" && entry.event.type === "messageCompleted" ? entry.event.model : null
}

function isQuestion(entry: Entry): boolean {
  return entry.kind === "event" && entry.event.type === "waitOpened"
}

async function answerAll(sessions: Sessions, sessionId: string, people: People): Promise<void> {
  for (const wait of await sessions.openWaits({ sessionId })) {
    switch (wait.kind) {
      case "approval":
        await decide(sessions, wait, await people.approve(wait))
        break
      case "clientTool": {
        const submission = { ...answerTo(wait), result: noClient(wait) }
        requireAnswered(wait, await sessions.submitResult(submission))
        break
      }
      case "elicitation":
        await respond(sessions, wait, people)
        break
      case "child":
      case "timer":
        // Nobody is asked.
        break
      default:
        wait satisfies never
    }
  }
}

async function decide(sessions: Sessions, wait: Wait, answer: ApprovalAnswer): Promise<void> {
  checkApprovalAnswer(answer)
  const { approved, ...decision } = answer
  const outcome = await sessions.decide({ ...decision, approved: approved === true, ...answerTo(wait) })
  if (outcome.status !== "misfit") return requireAnswered(wait, outcome)
  const denial = { approved: false, reason: `The edited arguments do not fit: ${outcome.message}` }
  requireAnswered(wait, await sessions.decide({ ...denial, ...answerTo(wait) }))
}

async function respond(sessions: Sessions, wait: Wait, { elicit, logger }: People): Promise<void> {
  const outcome = await sessions.respond({ ...(await elicit(wait)), ...answerTo(wait) })
  if (outcome.status !== "misfit") return requireAnswered(wait, outcome)
  const { toolCallId, toolName } = wait
  logger.warn({ toolCallId, toolName, misfit: outcome.message }, "an answer does not fit its form")
  requireAnswered(wait, await sessions.respond({ action: "decline", ...answerTo(wait) }))
}

function answerTo({ sessionId, toolCallId, nonce }: Wait) {
  return { sessionId, toolCallId, nonce, decidedBy }
}

/** Throws when the question stays open, so that nobody waits for its end in vain. */
function requireAnswered({ toolName }: Wait, { status }: AnswerOutcome | Misfit): void {
  if (status === "accepted" || status === "answered" || status === "expired") return
  throw new Error(`The answer for a call of ${toolName} was refused: ${status}.`)
}

function noClient({ toolName }: Wait) {
  return { type: "error", code: "no_client", message: `There is no client to execute ${toolName}.` } as const
}

async function resultOf(
  { runId, response, toolsUsed, outcome }: RunResult,
  run: {
    readonly sessionId: string
    readonly model: string | null
    readonly schema: CompiledSchema | undefined
  },
): Promise<GatewayRunResult<unknown>> {
  const { sessionId, model, schema } = run
  const { usage, cost } = outcome
  const common = { runId, sessionId, response, toolsUsed, model, usage, cost, output: null }
  const failed = (code: string, message: string) =>
    ({ ...common, outcome: "failed", reason: null, error: { code, message } }) as const
  if (outcome.type === "runFailed") return failed(outcome.code, outcome.message)
  const { disposition, reason } = outcome
  const ended = { ...common, outcome: disposition, reason, error: null }
  if (schema === undefined || disposition !== "completed") return ended
  const parsed = await parse(schema, outcome.output)
  return parsed.valid
    ? { ...ended, output: parsed.input }
    : failed("output_invalid", `The answer does not fit its schema: ${parsed.message}`)
}

/** By the schema itself, which may ask for more than JSON Schema can say, and make something else of it. */
async function parse(schema: CompiledSchema, output: Json | undefined): Promise<Validation> {
  // The run has checked its output against the JSON Schema.
  if (isJsonObject(output)) return schema.parse?.(output) ?? { valid: true, input: output }
  return { valid: false, message: "the agent gave none of that kind." }
}

import { isDeepStrictEqual } from "node:util"
import { GatewayError } from "../../../core/errors.ts"
import { createPlaces } from "../../../core/fairness/places.ts"
import type { ToolResult } from "../../../core/ports/tools/tool.ts"
import type { Runner, RunnerEvent, RunnerRequest } from "../../../core/runs/runner.ts"
import { resolveOrigin, type ToolOrigin } from "../../../core/tools/tool-origin.ts"
import { createAgentError } from "../failure.ts"
import { countOf, readFields, readText, toJsonValue } from "../fields.ts"
import { createApprovalPolicy } from "./calls/approval-policy.ts"
import { type CallGate, callOf, createCallGate, type SdkCall } from "./calls/call-gate.ts"
import { executeTool } from "./calls/execute-tool.ts"
import { type CallTool, createToolServer, toSdkName } from "./calls/tool-server.ts"
import { type ClaudeAgentOptions, type ResolvedClaudeAgentOptions, resolveOptions } from "./options.ts"
import { createFormerProcess } from "./process/former-process.ts"
import { createSdkProcess } from "./process/sdk-process.ts"
import {
  computeUuid,
  openSessionFolder,
  removeOldFolders,
  type SessionFolder,
  searchFile,
  toSessionPath,
} from "./process/session-folder.ts"
import { createMailbox, type Mailbox } from "./query/mailbox.ts"
import type { QueryEnd, QueryFailure } from "./query/message-reader.ts"
import { createPromptContent, createPromptInput, createUserMessage } from "./query/prompt.ts"
import { createQueryOptions } from "./query/query-options.ts"
import { addSpending, computeLimitsLeft, type RunSpending } from "./query/run-limits.ts"
import { type AskedCall, runQuery } from "./query/run-query.ts"
import type { QueryParameters } from "./sdk.ts"

const dayMs = 86_400_000
/** Milliseconds without activity after which a resumed session receives a message to continue. */
const silenceMs = 20_000

const goOn = "The approval was decided. Continue."
const restarted =
  "The server stopped while you responded, and your last response was lost. Start it again. " +
  "The outcome of a tool call without a result is unknown."

/** State that is kept while a person is asked. The SDK's transcript has everything else. */
interface Saved extends RunSpending {
  readonly session: string
  readonly asked: SdkCall
  /** The MCP tool that the person is asked about. Null for another tool. */
  readonly origin: ToolOrigin | null
}

/**
 * Creates a runner for version 0.3 of the Claude Agent SDK. Its built-in tools are off unless they are listed. A call
 * that a person must allow parks the run: the process of Claude Code ends, and the answer resumes the SDK's session.
 * After a crash, the session is resumed too, and the model learns that the outcome of open calls is unknown.
 */
export function claudeAgentRunner(given: ClaudeAgentOptions): Runner {
  const options = resolveOptions(given)
  // Further runs wait, and users take turns.
  const places = createPlaces({ max: options.maxProcesses })
  let sweptAt = 0
  return async function* (request) {
    const { signal, logger } = request
    const leave = await places.enter(request, undefined, signal)
    try {
      if (Date.now() - sweptAt > dayMs) {
        sweptAt = Date.now()
        await removeOldFolders(options.folder, options.keepDays * dayMs, signal).catch((error: unknown) => {
          logger.warn(
            { error },
            "Old folders of sessions could not be removed. The next attempt is in a day.",
          )
        })
      }
      yield* runAgent(options, request)
    } catch (thrown) {
      if (signal.aborted) throw signal.reason
      logger.debug({ error: thrown, sessionId: request.sessionId }, "The Claude Agent SDK failed.")
      throw createAgentError(thrown)
    } finally {
      leave()
    }
  }
}

async function* runAgent(
  given: ResolvedClaudeAgentOptions,
  request: RunnerRequest,
): AsyncGenerator<RunnerEvent> {
  const options = { ...given, tools: await request.listTools(given.tools) }
  const { sessionId, runId, decisions, logger } = request
  const former = createFormerProcess(toSessionPath(options.folder, sessionId))
  await former.waitUntilGone(request.signal)
  const folder = await openSessionFolder(options.folder, sessionId)
  const asked = await findUndecidedCall(folder, request)
  if (decisions.length > 0) requireSession(asked)
  const resumed = asked !== null
  const prompt = createPromptInput()
  const promptId = computeUuid("run", runId)
  if (!resumed) prompt.push(await createFirstMessage(folder, request, promptId))

  const stop = new AbortController()
  const timeout = AbortSignal.timeout(options.timeoutMs)
  const signal = AbortSignal.any([request.signal, timeout])
  const process = createSdkProcess({
    onStart: former.remember,
    onStderr: (line) => logger.debug({ sessionId, line }, "Output of Claude Code."),
  })
  const gate = createCallGate(asked, decisions)
  const mailbox = createMailbox()
  const call = createCaller(options, request, { gate, mailbox, signal, asked: readAsked(request) })
  const server = createToolServer(options.tools, call)
  const cwd = options.workingFolder?.({ sessionId, userId: request.userId }) ?? folder.work
  const spent = readSpending(request)
  const limits = computeLimitsLeft(options, spent)
  if (typeof limits === "string") throw toError({ kind: `error_${limits}`, status: undefined, detail: "" })
  const parts = { folder, cwd, gate, server, process, abortController: stop, limits }
  const parameters: QueryParameters = { prompt, options: createQueryOptions(options, parts) }

  let isToldToGoOn = !resumed
  const tellToGoOn = () => {
    if (isToldToGoOn) return
    isToldToGoOn = true
    prompt.push(
      createUserMessage([{ type: "text", text: goOn }], computeUuid("run", `${runId}:${asked?.id ?? ""}`)),
    )
  }
  const silence = setTimeout(() => {
    if (!gate.isStarted) tellToGoOn()
  }, silenceMs)
  const mustContinue = (end: QueryEnd) => {
    if (end.reason !== "tool_deferred_unavailable") return end.queued > 0
    // When a session is resumed, the gateway's tools are not available at first. The next message makes Claude Code
    // try the call again.
    const goesOn = !isToldToGoOn || folder.transcript !== null
    tellToGoOn()
    return goesOn
  }
  try {
    const outcome = yield* runQuery({
      messages: options.query(parameters as never),
      gate,
      judge: createApprovalPolicy(options, request),
      mailbox,
      process,
      priceList: options.priceList,
      signal,
      openCalls: new Set(decisions.map(({ id }) => id)),
      continues: mustContinue,
      finish: prompt.end,
    })
    if (process.overflowed) throw toError({ kind: "message_too_long", status: undefined, detail: "" })
    if (outcome.end === null)
      throw toError({ kind: "no_result", status: undefined, detail: process.stderr() })
    if (outcome.end.failure !== null) throw toError(outcome.end.failure)
    if (outcome.asked !== null)
      yield* ask(outcome.asked, outcome.end, {
        session: folder.id,
        ...addSpending(spent, outcome.spent),
      })
  } catch (thrown) {
    if (timeout.aborted && !request.signal.aborted) {
      throw toError({
        kind: "timeout",
        status: undefined,
        detail: `No end within ${options.timeoutMs} ms.`,
      })
    }
    throw thrown
  } finally {
    clearTimeout(silence)
    gate.close()
    prompt.end()
    const ended = process.terminate()
    stop.abort()
    await ended
    await former.forget()
  }
}

function* ask(
  { call, shown }: AskedCall,
  { reason }: QueryEnd,
  saved: Omit<Saved, "asked" | "origin">,
): Iterable<RunnerEvent> {
  if (reason !== "tool_deferred") {
    throw toError({ kind: "approval_lost", status: undefined, detail: `The query ended with ${reason}.` })
  }
  const origin = shown.approval?.origin ?? null
  yield { type: "state", state: toJsonValue({ ...saved, asked: call, origin } satisfies Saved) }
  yield shown
}

/** Returns the call that a person was asked about, with the tool that they know. Null if no one was asked. */
function readAsked({ state }: RunnerRequest): { readonly id: string; readonly origin: unknown } | null {
  const { asked, origin = null } = readFields(state)
  const id = readText(readFields(asked).id)
  return id === undefined ? null : { id, origin }
}

function readSpending({ state }: RunnerRequest): RunSpending {
  const { turns, costUsd } = readFields(state)
  return { turns: countOf(turns), costUsd: countOf(costUsd) }
}

/**
 * Resolves to the pending call with which the SDK's session ended. Null if the session ended without one, or if the
 * call has received a result.
 */
async function findUndecidedCall(
  { transcript }: SessionFolder,
  request: RunnerRequest,
): Promise<SdkCall | null> {
  const { asked } = readFields(request.state) as Partial<Record<keyof Saved, unknown>>
  if (request.reason === "new" || transcript === null || typeof asked !== "object" || asked === null)
    return null
  const call = callOf(asked)
  const result = `"tool_use_id":${JSON.stringify(call.id)}`
  return (await searchFile(transcript, result, request.signal)) ? null : call
}

function requireSession(asked: SdkCall | null): void {
  if (asked !== null) return
  throw new GatewayError(
    { code: "agent_session_lost", status: 500 },
    "The agent's session is not on this server, so the call was not executed.",
  )
}

/**
 * Returns the first message of the query. After a crash, Claude Code may have received the user's message already.
 */
async function createFirstMessage(
  folder: SessionFolder,
  { messages, reason, signal }: RunnerRequest,
  promptId: string,
) {
  const { transcript } = folder
  const isHeard =
    reason === "resume" && transcript !== null && (await searchFile(transcript, promptId, signal))
  if (!isHeard) return createUserMessage(createPromptContent(messages, transcript !== null), promptId)
  return createUserMessage([{ type: "text", text: restarted }], crypto.randomUUID())
}

const changedTool: ToolResult = {
  type: "error",
  code: "tool_changed",
  message:
    "The tool changed after this call was allowed, so the call did not run. Call it again if you still need it.",
}

function createCaller(
  options: ResolvedClaudeAgentOptions,
  request: RunnerRequest,
  {
    gate,
    mailbox,
    signal,
    asked,
  }: {
    readonly gate: CallGate
    readonly mailbox: Mailbox
    readonly signal: AbortSignal
    readonly asked: ReturnType<typeof readAsked>
  },
): CallTool {
  return async (tool, { callId, input, signal: given }) => {
    if (!gate.take(callId, toSdkName(tool.name))) {
      return { type: "error", code: "denied", message: "This call was not allowed." }
    }
    const timeoutMs = tool.timeoutMs ?? options.toolTimeoutMs
    const both = AbortSignal.any([signal, given])
    // The server may have changed the tool while the person decided.
    const isChanged =
      callId === asked?.id && !isDeepStrictEqual(asked.origin, toJsonValue(resolveOrigin(tool, input)))
    const result = isChanged
      ? changedTool
      : await executeTool(tool, request, { callId, input, timeoutMs, signal: both })
    // The result must be in the log before the model receives it.
    await mailbox.post({ type: "toolResult", id: callId, result })
    return result
  }
}

function toError({ kind, status, detail }: QueryFailure): Error {
  const failure = new Error(detail || kind)
  failure.name = /^[a-z_]{1,40}$/.test(kind) ? kind : "error"
  return Object.assign(failure, status === undefined ? {} : { status })
}

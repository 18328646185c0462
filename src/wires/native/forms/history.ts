import type { AssistantPart, Message } from "../../../core/history/messages.ts"
import { toJsonPieces } from "../../../core/json/json-pieces.ts"
import type { AppData } from "../../../core/log/entries.ts"
import type { Wait } from "../../../core/ports/store/approvals.ts"
import type { InboxMessage } from "../../../core/ports/store/inbox.ts"
import { waitForNextSlice } from "../../../core/time/next-slice.ts"
import { toWireUsage } from "../../../core/wire/usage.ts"
import type {
  CallDetails,
  HistoryEnd,
  HistoryMessages,
  HistoryPart,
  MessagePlace,
  PlacedCompaction,
  PlacedRunEnd,
} from "../../../kernel/sessions/sessions.ts"
import type { HistoryMessage, HistoryResponse, Pending } from "../schemas/history.ts"
import { toWireApprover } from "./approver.ts"
import { toUnixSeconds, toWireContent, toWireQuestion, toWireToolOutcome } from "./content.ts"
import { toWireTask } from "./tasks.ts"

type HistoryBlock = HistoryMessage["content"][number]

/** Approximate number of characters that are written in one turn of the event loop (rule 15). */
const pieceCharacters = 64_000

export interface HistoryJsonOptions {
  readonly signal: AbortSignal
  /** If true, the ends of failed runs have the own messages of providers. */
  readonly providerErrors: boolean
}

/**
 * Writes a session for a client that redraws it: the JSON text of a `HistoryResponse`, in pieces. Data that only a
 * provider understands is left out. Throws the reason of the signal if the parts end early because it aborts.
 */
export async function* writeHistoryJson(
  parts: AsyncIterable<HistoryPart>,
  options: HistoryJsonOptions,
): AsyncGenerator<string> {
  let piece = ""
  for await (const text of toTexts(parts, options)) {
    piece += text
    if (piece.length < pieceCharacters) continue
    yield piece
    piece = ""
    await waitForNextSlice()
  }
  yield piece
}

async function* toTexts(
  parts: AsyncIterable<HistoryPart>,
  { signal, providerErrors }: HistoryJsonOptions,
): AsyncGenerator<string> {
  let before = '{"messages":['
  for await (const part of parts) {
    if (part.type === "end") {
      if (before !== ",") yield before
      yield "],"
      yield* omitBrace(toJsonPieces(toRest(part)))
      return
    }
    for (const message of toWireMessages(part, providerErrors)) {
      yield before
      yield* toJsonPieces(message)
      before = ","
    }
  }
  signal.throwIfAborted()
  throw new Error("The history ended before all of it was read.")
}

/** Yields the text of an object's members and its end. */
function* omitBrace(object: Iterable<string>): Generator<string> {
  let skipped = 1
  for (const text of object) {
    yield text.slice(skipped)
    skipped = 0
  }
}

function toRest({
  spent,
  openWaits,
  activeRun,
  queuedRuns,
  inboxMessages,
  runningTasks,
  lastSeq,
  before,
}: HistoryEnd): Omit<HistoryResponse, "messages"> {
  return {
    ...toWirePending(openWaits),
    active_run: activeRun === null ? null : { run_id: activeRun.id, cursor: activeRun.cursor },
    queued_runs: queuedRuns.map(({ runId, position, notBefore }) => ({
      run_id: runId,
      position,
      not_before: notBefore === 0 ? null : toUnixSeconds(notBefore),
      content: toWaitingContent(inboxMessages.find((each) => each.runId === runId && !each.steers)),
    })),
    steering_messages: inboxMessages
      .filter(({ steers }) => steers)
      .map((message) => ({ message_id: String(message.id), content: toWaitingContent(message) })),
    running_tasks: runningTasks.map(toWireTask),
    usage: toWireUsage(spent),
    has_more: before !== null,
    before,
    last_seq: lastSeq,
  }
}

function toWaitingContent(message: InboxMessage | undefined) {
  return message?.content?.map(toWireContent) ?? null
}

/** Groups open waits by the route that answers them. */
export function toWirePending(
  openWaits: readonly Wait[],
): Pick<HistoryResponse, "pending_approvals" | "pending_tool_calls" | "pending_elicitations"> {
  return {
    pending_approvals: openWaits
      .filter((wait) => wait.kind === "approval")
      .map((wait) => ({
        ...toPending(wait),
        ...toWireApprover(wait),
        tool_input: wait.payload.input,
        server: wait.origin?.server ?? null,
        resolved_qualifier: wait.payload.qualifier,
        reason: wait.payload.reason,
      })),
    pending_tool_calls: openWaits
      .filter((wait) => wait.kind === "clientTool")
      .map((wait) => ({ ...toPending(wait), tool_input: wait.payload.input })),
    pending_elicitations: openWaits
      .filter((wait) => wait.kind === "elicitation")
      .map((wait) => ({
        ...toPending(wait),
        server: wait.origin?.server ?? null,
        ...toWireQuestion(wait.payload.question),
      })),
  }
}

function toPending(wait: Wait): Pending {
  const { toolCallId, nonce, expiresAt, toolName } = wait
  const call = { tool_call_id: toolCallId, nonce, expires_at: toUnixSeconds(expiresAt), tool_name: toolName }
  return { ...call, ...selectSubAgentId(wait) }
}

/** Returns the sub-agent of a wait. Null if no sub-agent waits. */
export function selectSubAgentId({ sessionId, rootSessionId }: Wait): Pick<Pending, "sub_agent_id"> {
  return sessionId === rootSessionId ? {} : { sub_agent_id: sessionId }
}

/** Yields the messages of a part, with the marks at their places. */
function* toWireMessages(
  { messages, places: messagePlaces, calls, marks }: HistoryMessages,
  providerErrors: boolean,
): Generator<HistoryMessage> {
  const places = Map.groupBy(marks, ({ index }) => Math.min(index, messages.length))
  const listMarks = (index: number) =>
    (places.get(index) ?? []).map((mark) =>
      mark.type === "compaction" ? toCompactionBlock(mark) : toRunEndBlock(mark, providerErrors),
    )
  for (const [index, message] of messages.entries()) {
    const blocks = listMarks(index)
    const { role, content } = toWireMessage(message, calls)
    if (blocks.length > 0 && role !== "assistant") yield { role: "assistant", content: blocks }
    const place = toWirePlace(messagePlaces[index])
    yield { role, ...place, content: role === "assistant" ? [...blocks, ...content] : content }
  }
  const last = listMarks(messages.length)
  if (last.length > 0) yield { role: "assistant", content: last }
}

function toWirePlace(place: MessagePlace | undefined): Pick<HistoryMessage, "run_id" | "superseded"> {
  if (place === undefined) return {}
  const { runId, isSuperseded } = place
  return { ...(runId !== null && { run_id: runId }), ...(isSuperseded && { superseded: true }) }
}

function toCompactionBlock({ seq, characters, tokensBefore, tokensAfter }: PlacedCompaction): HistoryBlock {
  const tokens = { tokens_before: tokensBefore, tokens_after: tokensAfter }
  return { type: "compaction", cursor: seq, chars: characters, ...tokens }
}

function toRunEndBlock(
  { outcome, reason, message, providerMessage, summary }: PlacedRunEnd,
  providerErrors: boolean,
): HistoryBlock {
  const details = providerErrors && providerMessage !== null
  return {
    ...{ type: "run_end", outcome, reason, error: message },
    ...(details && { provider_message: providerMessage }),
    ...(summary !== null && { summary }),
  } as const
}

function toWireMessage(message: Message, calls: HistoryMessages["calls"]): HistoryMessage {
  switch (message.role) {
    case "user":
    case "system":
      return { role: message.role, content: message.content.map(toWireContent) }
    case "assistant":
      return { role: message.role, content: message.content.flatMap(toAssistantBlocks) }
    case "tool":
      return {
        role: message.role,
        content: message.results.flatMap(({ toolCallId, result }): HistoryBlock[] => [
          ...(calls.get(toolCallId)?.data ?? []).map(toDataBlock),
          {
            type: "tool_result",
            tool_call_id: toolCallId,
            ...toWireToolOutcome(result),
            ...toWireDetails(calls.get(toolCallId)),
          },
        ]),
      }
    default:
      return message satisfies never
  }
}

function toWireDetails(details: CallDetails | undefined) {
  if (details === undefined) return {}
  const { durationMs, server, output, subAgents } = details
  return {
    ...(durationMs !== null && { duration_ms: durationMs }),
    ...(server !== null && { server }),
    ...(output.length > 0 && { output: [...output] }),
    ...(subAgents.length > 0 && {
      sub_agents: subAgents.map(({ sessionId, name }) => ({ sub_agent_id: sessionId, agent_name: name })),
    }),
  }
}

function toDataBlock({ toolCallId, name, value }: AppData): HistoryBlock {
  return { type: "data", tool_call_id: toolCallId, name, value }
}

function toAssistantBlocks(part: AssistantPart): HistoryBlock[] {
  switch (part.type) {
    case "text":
      return [toWireContent(part)]
    case "thinking":
      return [{ type: "thinking", text: part.text }]
    case "toolCall":
      return [
        { type: "tool_call", tool_call_id: part.toolCallId, tool_name: part.name, tool_input: part.input },
      ]
    case "opaque":
      return []
    default:
      return part satisfies never
  }
}

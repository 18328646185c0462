import { isJsonObject, type JsonObject } from "../../core/json/json.ts"
import type { EventEntry, RunStarted } from "../../core/log/entries.ts"

/** Member of a run's context with the facts of its request. */
const member = "agUi"

/**
 * Returns the context of a run with the id that the client gave to its message. Runs of sub-agents and of announcements
 * inherit the context, so it names the run.
 */
export function addMessageId(context: JsonObject, runId: string, messageId: string | null): JsonObject {
  return messageId === null ? context : { ...context, [member]: { runId, messageId } }
}

/**
 * Returns the id of the message that started a run. It is the client's own id if the message came over this protocol,
 * because clients match messages by their ids and keep the order in which they have them.
 */
export function readMessageId(runId: EventEntry["runId"], { context }: Pick<RunStarted, "context">): string {
  const given = isJsonObject(context[member]) ? context[member] : {}
  return given.runId === runId && typeof given.messageId === "string" ? given.messageId : `${runId}_user`
}

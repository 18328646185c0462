import { selectNewMessage } from "../../../core/history/message-input.ts"
import type { InboxMessage, SteerCommand } from "../../../core/ports/store/inbox.ts"
import type { MessageCommand } from "../../../core/ports/store/session-log.ts"
import { type Row, readInteger, readText } from "./columns.ts"

/**
 * Converts a row with `id`, `run_id`, `type` and `body` of a message or a steering message. `body` is null if it is too
 * large to be listed.
 */
export function toInboxMessage(row: Row): InboxMessage {
  const id = readInteger(row, "id")
  const runId = readText(row, "run_id")
  const steers = readText(row, "type") === "steer"
  if (row.body === null) return { id, runId, steers, content: null }
  // This package wrote the body, so its shape is not checked.
  const command = JSON.parse(readText(row, "body")) as MessageCommand | SteerCommand
  const content: unknown = command.type === "steer" ? command.content : selectNewMessage(command.input)
  // The content of a large message is stored elsewhere, and the body has only a reference to it.
  return { id, runId, steers, content: Array.isArray(content) ? content : null }
}

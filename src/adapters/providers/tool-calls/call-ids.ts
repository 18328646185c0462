import type { Message, ToolCallPart } from "../../../core/history/messages.ts"

const longestId = 40

export interface CallIdRules {
  /** Returns the id that this service gave the call. Null if the call came from another service, or without an id. */
  readonly givenId: (call: ToolCallPart) => string | null
  /** If set, ids that do not match it are replaced. */
  readonly legal?: RegExp
  /** If true, an id that does not have exactly nine letters and digits is replaced by a number of nine digits. */
  readonly short?: boolean
}

/**
 * Maps the gateway's ids of a conversation's calls to the ids that the service receives. A call keeps the id that
 * this service gave it, unless it had none, an illegal one, or the id of an earlier call (some servers number the
 * calls of every response from zero). Otherwise the gateway's own id is sent.
 */
export function mapCallIds(
  messages: readonly Message[],
  { givenId, legal = /./, short = false }: CallIdRules,
): ReadonlyMap<string, string> {
  const ids = new Map<string, string>()
  const used = new Set<string>()
  for (const call of listCalls(messages)) {
    const vendorId = givenId(call)
    const isUsable = vendorId !== null && legal.test(vendorId) && !used.has(vendorId)
    const id = isUsable ? vendorId : fitId(call.toolCallId)
    used.add(id)
    ids.set(call.toolCallId, short ? shortenId(id, ids.size) : id)
  }
  return ids
}

function listCalls(messages: readonly Message[]): readonly ToolCallPart[] {
  return messages
    .flatMap((message) => (message.role === "assistant" ? message.content : []))
    .filter((part) => part.type === "toolCall")
}

/** Shortens an id. The end of a gateway's id is random. */
function fitId(id: string): string {
  return id.replaceAll(/[^\w-]/g, "_").slice(-longestId)
}

function shortenId(id: string, ordinal: number): string {
  return /^[a-z0-9]{9}$/i.test(id) ? id : String(ordinal).padStart(9, "0")
}

import type { Message, ToolCallPart } from "../../core/messages.ts"
import { ownData } from "./vendor-tag.ts"

const longestId = 40

/**
 * The ids under which a conversation's calls go to the service, by ours: the id that each came with from this service,
 * unless it had none or an earlier call has it (some servers number the calls of every answer anew), else our own.
 *
 * @param vendor The tag of this service's vendor data.
 * @param short Gives each a number of nine digits in place of any id that is not of nine letters and digits.
 */
export function wireCallIds(
  messages: readonly Message[],
  vendor: string,
  { short = false } = {},
): ReadonlyMap<string, string> {
  const ids = new Map<string, string>()
  const used = new Set<string>()
  for (const call of callsOf(messages)) {
    const given = givenId(call, vendor)
    const id = given !== null && !used.has(given) ? given : fitting(call.toolCallId)
    used.add(id)
    ids.set(call.toolCallId, short ? shortened(id, ids.size) : id)
  }
  return ids
}

function callsOf(messages: readonly Message[]): readonly ToolCallPart[] {
  return messages
    .flatMap((message) => (message.role === "assistant" ? message.content : []))
    .filter((part) => part.type === "toolCall")
}

function givenId(call: ToolCallPart, vendor: string): string | null {
  const { call_id, id } = ownData(call.vendor, vendor) ?? {}
  const given = call_id ?? id
  return typeof given === "string" && given !== "" ? given : null
}

/** An id of ours is random at its end. */
function fitting(id: string): string {
  return id.replaceAll(/[^\w-]/g, "_").slice(-longestId)
}

function shortened(id: string, ordinal: number): string {
  return /^[a-z0-9]{9}$/i.test(id) ? id : String(ordinal).padStart(9, "0")
}

import type { Json, JsonObject } from "../../../../core/json/json.ts"

/** Fields whose pieces are joined. For any other field, a later piece replaces the earlier one. */
const growing: readonly string[] = ["text", "summary", "data"]

/**
 * Joins pieces into blocks (https://openrouter.ai/docs/use-cases/reasoning-tokens): consecutive pieces of one type
 * and index are one block. Blocks must be sent back in their original order.
 */
export function joinReasoningDetails(pieces: readonly JsonObject[]): readonly JsonObject[] {
  const blocks: Record<string, Json>[] = []
  for (const piece of pieces) {
    const last = blocks.at(-1)
    if (last === undefined || last.type !== piece.type || last.index !== piece.index)
      blocks.push({ ...piece })
    else for (const [name, value] of Object.entries(piece)) last[name] = joinField(name, last[name], value)
  }
  return blocks
}

function joinField(name: string, before: Json | undefined, value: Json): Json {
  if (typeof before === "string" && typeof value === "string" && growing.includes(name)) return before + value
  return value ?? before ?? null
}

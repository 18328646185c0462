import type { Json, JsonObject } from "../../../core/json/json.ts"

/** Their pieces follow each other; any other field of a later piece replaces the earlier. */
const growing: readonly string[] = ["text", "summary", "data"]

/**
 * The blocks of which these are the pieces (https://openrouter.ai/docs/use-cases/reasoning-tokens): pieces of one type
 * and index that follow each other are one block, and have to go back in the order they came in.
 */
export function joinReasoningDetails(pieces: readonly JsonObject[]): readonly JsonObject[] {
  const blocks: Record<string, Json>[] = []
  for (const piece of pieces) {
    const last = blocks.at(-1)
    if (last === undefined || last.type !== piece.type || last.index !== piece.index)
      blocks.push({ ...piece })
    else for (const [name, value] of Object.entries(piece)) last[name] = joined(name, last[name], value)
  }
  return blocks
}

function joined(name: string, before: Json | undefined, value: Json): Json {
  if (typeof before === "string" && typeof value === "string" && growing.includes(name)) return before + value
  return value ?? before ?? null
}

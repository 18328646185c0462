import type { JsonObject } from "../../../core/json/json.ts"
import type { SystemBlock } from "../../../core/ports/model/provider.ts"

/** Returns the system prompt as one text. The services decide themselves what to cache. */
export function joinSystemPrompt(blocks: readonly SystemBlock[]): string {
  return blocks
    .map(({ text }) => text)
    .filter((text) => text.trim() !== "")
    .join("\n\n")
}

/** Returns a function's parameters. The service refuses an object schema without `properties`. */
export function toToolParameters(inputSchema: JsonObject): Record<string, unknown> {
  return { properties: {}, ...inputSchema, type: "object" }
}

import type { JsonObject } from "../../core/json/json.ts"
import type { SystemBlock } from "../../core/ports/provider.ts"

/** The system prompt as one text; what is worth caching the services find out by themselves. */
export function promptText(blocks: readonly SystemBlock[]): string {
  return blocks
    .map(({ text }) => text)
    .filter((text) => text.trim() !== "")
    .join("\n\n")
}

/** A function's parameters: the service refuses an object schema without `properties`. */
export function toolParameters(inputSchema: JsonObject): Record<string, unknown> {
  return { properties: {}, ...inputSchema, type: "object" }
}

import { z } from "zod"
import { GatewayError } from "../../core/errors.ts"
import type { ContentPart } from "../../core/history/messages.ts"

// The symbol is registered, so that a value of another copy of this package is recognized too.
const mark = Symbol.for("ai-agent-gateway.tool-content")

/** A tool's result as text and images for the model. Created by `content()`. */
export interface ToolContent {
  readonly [mark]: readonly ContentPart[]
}

const contentParts = z.array(
  z.discriminatedUnion("type", [
    z.strictObject({ type: z.literal("text"), text: z.string() }),
    z.strictObject({
      type: z.literal("image"),
      source: z.discriminatedUnion("type", [
        z.strictObject({ type: z.literal("base64"), mediaType: z.string(), data: z.base64() }),
        z.strictObject({ type: z.literal("url"), url: z.url({ protocol: /^https?$/ }) }),
      ]),
    }),
  ]),
)

/**
 * Marks a tool's result as content blocks. Any other value is sent to the model as JSON, whatever its form is. Throws
 * a `GatewayError` (`invalid_content`) for blocks that are not text or images.
 *
 * @example return content([{ type: "image", source: { type: "base64", mediaType: "image/png", data } }])
 */
export function content(parts: readonly ContentPart[]): ToolContent {
  const parsed = contentParts.safeParse(parts)
  if (!parsed.success) {
    throw new GatewayError(
      { code: "invalid_content", status: 500 },
      `content() received invalid blocks: ${z.prettifyError(parsed.error)}`,
    )
  }
  return { [mark]: parsed.data }
}

/** Returns the blocks inside. Null for any other value. */
export function findContent(value: unknown): readonly ContentPart[] | null {
  return typeof value === "object" && value !== null && mark in value ? (value as ToolContent)[mark] : null
}

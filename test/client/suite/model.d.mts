import type { UpstreamReply, UpstreamRequest } from "../../../src/testing/index.ts"

/** The model's response to `long`. */
export const longText: string

export function replyTo(
  request: UpstreamRequest,
  anthropicEvents: typeof import("../../../src/testing/index.ts").anthropicEvents,
): UpstreamReply

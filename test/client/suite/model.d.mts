import type { UpstreamReply, UpstreamRequest } from "../../../src/testing/index.ts"

/** The text that the model answers `long` with. */
export const longText: string

export function replyTo(
  request: UpstreamRequest,
  anthropicEvents: typeof import("../../../src/testing/index.ts").anthropicEvents,
): UpstreamReply

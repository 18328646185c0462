import type { Context } from "hono"
import type { Session } from "../../core/ports/store/session-log.ts"
import type { HttpEnv } from "../../http/http-env.ts"
import { respondText } from "../../http/respond.ts"
import { eventStreamType } from "../../http/streams/server-sent-events.ts"
import type { EventStreamRequest } from "../../http/streams/stream-response.ts"
import { aiSdkWire } from "./fold/ai-sdk-wire.ts"
import { type ShownPart, startChat } from "./fold/chat-state.ts"

/** The header by which clients know the protocol. */
const streamHeaders = { "x-vercel-ai-ui-message-stream": "v1" } as const

/** A run to show, after a sequence number. */
export interface ShownRun
  extends Pick<EventStreamRequest, "position" | "fromRunStart" | "isNewRun" | "afterSeq"> {
  readonly runId: string
}

/** Returns the request for the stream of a run. */
export function createRunStream(
  { id: sessionId, tenant, userId }: Session,
  shows: ShownPart,
  run: ShownRun,
): EventStreamRequest {
  const headers = { ...streamHeaders, "x-run-id": run.runId }
  const opening = [startChat(run.afterSeq, shows), []] as const
  return { ...run, wire: aiSdkWire, opening, sessionId, principal: { tenant, userId }, headers }
}

/** A whole response that adds nothing to the client's message. A client that sends automatically stops. */
export function respondWithNothing(c: Context<HttpEnv>): Response {
  const chunks = ['{"type":"start"}', '{"type":"finish","finishReason":"interrupted"}', "[DONE]"]
  const headers = { "content-type": eventStreamType, "cache-control": "no-cache", ...streamHeaders }
  return respondText(c, chunks.map((chunk) => `data: ${chunk}\n\n`).join(""), 200, headers)
}

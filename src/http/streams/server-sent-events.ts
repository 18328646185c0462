import type { Frame } from "./wire.ts"

/** For wires of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
export const eventStreamType = "text/event-stream"

/** Writes a frame as a server-sent event, whose `id` is the cursor after it. */
export function formatServerSentEvent(frame: Frame, seq: number | null): string {
  return seq === null ? `data: ${frame}\n\n` : `id: ${seq}\ndata: ${frame}\n\n`
}

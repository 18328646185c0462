import type { OpenedSession } from "./target.ts"

/** The API key of the gateway that is measured. */
export const benchKey = "bench"

export type WireRequest = (
  session: OpenedSession,
  text: string,
) => {
  readonly path: string
  readonly body: object
  /** Default: the token of the session. */
  readonly token?: string
}

/** The request that sends a message, by the protocol of the gateway. Each one is a row of the part `wires`. */
export const wireRequests = {
  native: (_session, message) => ({ path: "/api/chat", body: { message } }),
  "AI SDK UI": ({ id }, text) => ({
    path: "/api/ai-sdk/chat",
    body: { id, messages: [{ role: "user", parts: [{ type: "text", text }] }] },
  }),
  "AG-UI": ({ id: threadId }, content) => ({
    path: "/api/ag-ui",
    body: { threadId, runId: crypto.randomUUID(), messages: [{ role: "user", content }] },
  }),
  // Each completion opens a session of its own, which only the holder of a key can do.
  "OpenAI Chat Completions": (_session, content) => ({
    path: "/v1/chat/completions",
    body: { model: "agent", messages: [{ role: "user", content }], stream: true },
    token: benchKey,
  }),
  "OpenAI Responses": (_session, input) => ({ path: "/v1/responses", body: { input, stream: true } }),
} satisfies Record<string, WireRequest>

export type WireName = keyof typeof wireRequests

export const wireNames = Object.keys(wireRequests) as readonly WireName[]

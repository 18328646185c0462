import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi"
import type { Context, MiddlewareHandler } from "hono"
import type { Json } from "../../../core/json/json.ts"
import { parseTraceparent } from "../../../core/runs/trace-context.ts"
import { describeSecurity } from "../../../http/auth/access.ts"
import type { HttpEnv } from "../../../http/http-env.ts"
import { requireStartedRun } from "../../../http/put-outcome.ts"
import { idempotencyHeader, readIdempotencyKey } from "../../../http/request/idempotency.ts"
import { describeProblems } from "../../../http/schemas/problem.ts"
import { ofBody, ofMessage, ofSuperseding, ofToken } from "../../../http/schemas/refusals.ts"
import type { ServedAgents } from "../../../http/served-agents.ts"
import type { EventStreams } from "../../../http/streams/stream-response.ts"
import { acceptMessage } from "../../../kernel/sessions/accept-message.ts"
import type { Sessions } from "../../../kernel/sessions/sessions.ts"
import { toMessageInput } from "../conversation.ts"
import { chooseNativeWire } from "../fold/native-wire.ts"
import { type ChatRequest, chatRequestSchema } from "../schemas/chat.ts"
import { eventFrameSchema } from "../schemas/events.ts"

export interface ChatRouteOptions {
  readonly sessions: Sessions
  readonly streams: EventStreams
  readonly agents: ServedAgents
  /** Returns true if clients of the tenant see the own messages of providers. */
  readonly showsProviderErrors: (tenant: string) => boolean
  readonly allowSystemMessages: boolean
  readonly middleware: MiddlewareHandler<HttpEnv>[]
}

/** POST /chat starts a run and streams it. A client that disconnects does not end the run. */
export function addChatRoute(app: OpenAPIHono<HttpEnv>, options: ChatRouteOptions): void {
  const { sessions, streams, agents, showsProviderErrors, allowSystemMessages, middleware } = options
  const headers = z.object({
    "idempotency-key": idempotencyHeader.openapi({
      description:
        "A second request with the same key and body streams the same run again. It starts no other run.",
    }),
    traceparent: z
      .string()
      .optional()
      .openapi({
        description:
          "W3C Trace Context of the request. The gateway passes it to tools, MCP servers and the provider. " +
          "An invalid one is ignored.",
      }),
  })
  const route = createRoute({
    method: "post",
    path: "/chat",
    operationId: "chat",
    summary: "Send a message and stream the response",
    tags: ["chat"],
    security: describeSecurity("session"),
    request: { body: { required: true, content: { "application/json": { schema: chatRequestSchema } } } },
    responses: {
      200: {
        description: "The run's events, up to its terminal event.",
        headers: z.object({
          "x-run-id": z.string().openapi({ description: "Id of the run." }),
          "x-cursor": z
            .string()
            .openapi({ description: "Subscribe after this to see the run from its start." }),
        }),
        content: { "text/event-stream": { schema: eventFrameSchema } },
      },
      ...describeProblems(...ofToken, ...ofBody, ...ofMessage, ...ofSuperseding, "429 too_many_viewers"),
    },
  })

  // The headers are described and not validated, because the handler checks them.
  app.openAPIRegistry.registerPath({ ...route, request: { ...route.request, headers } })
  app.openapi({ ...route, middleware, hide: true }, async (c) => {
    const body = c.req.valid("json")
    const session = c.get("session")
    const { usesRequests = false, ...rules } = agents.of(session)
    const clientTools = (body.tools ?? []).map(({ name, description, input_schema: inputSchema }) => {
      return { name, description, inputSchema }
    })
    const traceparent = parseTraceparent(c.req.header("traceparent"))
    const { id: sessionId, tenant, userId } = session
    const principal = { tenant, userId }
    return streams.respond(c, sessionId, async () => {
      const outcome = await acceptMessage(sessions, {
        session,
        rules,
        signal: c.req.raw.signal,
        input: toMessageInput(body, { allowSystemMessages }),
        ...(body.context !== undefined && { context: body.context }),
        model: body.model ?? null,
        ...(body.tool_input_deltas === true && { toolInputDeltas: true }),
        ...(traceparent !== null && { traceparent }),
        ...(clientTools.length > 0 && { clientTools }),
        ...(body.when_busy !== undefined && { whenBusy: body.when_busy }),
        ...(body.supersede !== undefined && { supersede: { runId: body.supersede.run_id } }),
        idempotency: await readIdempotencyKey(c.req.header("idempotency-key"), toBodyJson(body)),
        ...(usesRequests && { request: createRequestSource(c) }),
      })
      const { runId, cursor, position } = requireStartedRun(outcome)
      const headers = { "x-run-id": runId, "x-cursor": String(cursor) }
      const isNewRun = outcome.status === "accepted"
      const wire = chooseNativeWire({
        toolInput: body.tool_input_deltas,
        providerErrors: showsProviderErrors(tenant),
      })
      const afterSeq = cursor
      return { wire, sessionId, principal, runId, afterSeq, position, fromRunStart: true, isNewRun, headers }
    })
  })
}

/** Returns a function that recreates the request. It keeps the body's bytes, and not their parsed value. */
function createRequestSource(c: Context<HttpEnv>): () => Request {
  const { raw } = c.req
  const bytes = c.get("bodyBytes")
  return () => setBody(raw, bytes)
}

/**
 * Recreates the request with the body that was read. Copies its parts, because a server adapter may use its own
 * request class.
 */
function setBody({ url, method, headers }: Request, body: Uint8Array<ArrayBuffer> | undefined): Request {
  return new Request(url, { method, headers: [...headers], ...(body && { body }) })
}

/** Returns the body as JSON. It was parsed from JSON, and its schema added only JSON values. */
function toBodyJson(body: ChatRequest): Json {
  return body as Json
}

import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi"
import type { Context, MiddlewareHandler } from "hono"
import { findRepeated } from "../../../core/find-repeated.ts"
import type { Json, JsonObject } from "../../../core/json/json.ts"
import { parseTraceparent } from "../../../core/runs/trace-context.ts"
import type { HttpEnv } from "../../../http/http-env.ts"
import { Problem } from "../../../http/problem.ts"
import { requireStartedRun } from "../../../http/put-outcome.ts"
import { idempotencyHeader, readIdempotencyKey } from "../../../http/request/idempotency.ts"
import { describeProblems } from "../../../http/schemas/problem.ts"
import { ofBody, ofMessage, ofToken } from "../../../http/schemas/refusals.ts"
import type { ClientToolRefusal, ServedAgents } from "../../../http/served-agents.ts"
import type { EventStreams } from "../../../http/streams/stream-response.ts"
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
    security: [{ sessionToken: [] }],
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
      ...describeProblems(...ofToken, ...ofBody, ...ofMessage, "429 too_many_viewers"),
    },
  })

  // The headers are described and not validated, because the handler checks them.
  app.openAPIRegistry.registerPath({ ...route, request: { ...route.request, headers } })
  app.openapi({ ...route, middleware, hide: true }, async (c) => {
    const body = c.req.valid("json")
    const { allowedModels, checkClientTools = null, usesRequests = false } = agents.of(c.get("session"))
    const model = body.model ?? null
    if (model !== null && allowedModels?.includes(model) === false) throw createModelNotAllowed(allowedModels)
    const clientTools = (body.tools ?? []).map(({ name, description, input_schema: inputSchema }) => {
      return { name, description, inputSchema }
    })
    if (clientTools.length > 0) {
      refuseTwins(clientTools)
      if (checkClientTools === null) throw createClientToolsNotAllowed()
      refuseClientTools(await checkClientTools(clientTools, c.get("session"), c.req.raw.signal))
    }
    const context = body.context ?? {}
    const traceparent = parseTraceparent(c.req.header("traceparent"))
    const { id: sessionId, tenant, userId } = c.get("session")
    const principal = { tenant, userId }
    return streams.respond(c, sessionId, async () => {
      const outcome = await sessions.start({
        sessionId,
        principal,
        input: toMessageInput(body, { allowSystemMessages }),
        context,
        channel: readChannel(context),
        model,
        ...(body.tool_input_deltas === true && { toolInputDeltas: true }),
        ...(traceparent !== null && { traceparent }),
        ...(clientTools.length > 0 && { clientTools }),
        ...(body.when_busy !== undefined && { whenBusy: body.when_busy }),
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

function createClientToolsNotAllowed(): Problem {
  return new Problem(
    { code: "client_tools_not_allowed", status: 403 },
    "Clients of this agent may not declare tools. The operator can set allowClientTools.",
  )
}

function refuseTwins(tools: readonly { readonly name: string }[]): void {
  const twin = findRepeated(tools.map(({ name }) => name))
  if (twin === undefined) return
  throw new Problem(
    { code: "client_tool_name_taken", status: 409 },
    `Two of the declared tools are named ${twin}. Give each a name of its own.`,
  )
}

function refuseClientTools(refusal: ClientToolRefusal | null): void {
  if (refusal === null) return
  const { status, tool } = refusal
  switch (status) {
    case "notAllowed":
      throw new Problem({ code: "client_tools_not_allowed", status: 403 }, `The tool ${tool} is not allowed.`)
    case "taken":
      throw new Problem(
        { code: "client_tool_name_taken", status: 409 },
        `The agent has a tool named ${tool}. Declare yours under another name.`,
      )
    case "unusable":
      throw new Problem(
        { code: "invalid_client_tool", status: 422 },
        `The input schema of the tool ${tool} cannot be used: ${refusal.reason}`,
      )
    default:
      status satisfies never
  }
}

/** Maximum number of models that a problem names. */
const maxNamedModels = 20

/** The client has a session, and the operator chose these models for clients, so the problem may name them. */
function createModelNotAllowed(allowedModels: readonly string[]): Problem {
  const kind = { code: "model_not_allowed", status: 400 }
  if (allowedModels.length === 0)
    return new Problem(kind, "Clients of this agent may not choose a model. Leave out `model`.")
  const names = allowedModels.slice(0, maxNamedModels).join(", ")
  const left = allowedModels.length - maxNamedModels
  const more = left > 0 ? `, and ${left} more` : ""
  return new Problem(
    kind,
    "This agent does not allow the requested model. Leave out `model`, or set it to one of these: " +
      `${names}${more}.`,
  )
}

function readChannel({ channel }: JsonObject): string | null {
  return typeof channel === "string" ? channel : null
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

import { createRoute, type OpenAPIHono } from "@hono/zod-openapi"
import type { MiddlewareHandler } from "hono"
import type { Json } from "../../core/json/json.ts"
import type { ToolResult } from "../../core/ports/tool.ts"
import type { Sessions } from "../../sessions/sessions.ts"
import { requireAccepted } from "../answer-outcome.ts"
import type { DeciderOf } from "../auth/decider.ts"
import type { HttpEnv } from "../http-env.ts"
import { toolResultRequestSchema } from "../schemas/answers.ts"
import { done, doneResponseSchema } from "../schemas/done.ts"
import { problems } from "../schemas/problem.ts"

export interface ToolResultRouteOptions {
  readonly sessions: Sessions
  readonly deciderOf: DeciderOf
  readonly middleware: MiddlewareHandler<HttpEnv>[]
}

/** POST /chat/tool-result: what the client made of a call that it executes. */
export function addToolResultRoute(app: OpenAPIHono<HttpEnv>, options: ToolResultRouteOptions): void {
  const { sessions, deciderOf, middleware } = options
  const route = createRoute({
    method: "post",
    path: "/chat/tool-result",
    operationId: "answerToolCall",
    summary: "Send the result of a client tool call",
    tags: ["approvals"],
    security: [{ sessionToken: [] }],
    middleware,
    request: {
      body: { required: true, content: { "application/json": { schema: toolResultRequestSchema } } },
    },
    responses: {
      200: {
        description: "The result is durable. Later results are refused.",
        content: { "application/json": { schema: doneResponseSchema } },
      },
      ...problems(400, 401, 403, 404, 409, 410, 413, 415, 422, 429, 500, 503),
    },
  })

  app.openapi(route, async (c) => {
    const { tool_call_id, nonce, result, error } = c.req.valid("json")
    const outcome = await sessions.submitResult({
      sessionId: c.get("session").id,
      toolCallId: tool_call_id,
      nonce,
      result: toolResult(result, error ?? null),
      decidedBy: deciderOf(c),
    })
    requireAccepted(outcome)
    return c.json(done, 200)
  })
}

/** The body came out of JSON, so its members are. */
function toolResult(result: unknown, error: { code: string; message: string } | null): ToolResult {
  if (error !== null) return { type: "error", ...error }
  return { type: "json", value: (result ?? null) as Json }
}

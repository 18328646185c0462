import { createRoute, type OpenAPIHono } from "@hono/zod-openapi"
import type { MiddlewareHandler } from "hono"
import { describeSecurity } from "../../../http/auth/access.ts"
import type { DeciderOf } from "../../../http/auth/decider.ts"
import type { HttpEnv } from "../../../http/http-env.ts"
import { respondJson } from "../../../http/respond.ts"
import { describeProblems } from "../../../http/schemas/problem.ts"
import { ofAnswer, ofBody, ofToken } from "../../../http/schemas/refusals.ts"
import { requireAccepted } from "../../../kernel/sessions/answering/require-accepted.ts"
import type { Sessions } from "../../../kernel/sessions/sessions.ts"
import { elicitationRequestSchema } from "../schemas/answers.ts"
import { done, doneResponseSchema } from "../schemas/done.ts"

export interface ElicitationRouteOptions {
  readonly sessions: Sessions
  readonly deciderOf: DeciderOf
  readonly middleware: MiddlewareHandler<HttpEnv>[]
}

/** POST /chat/elicitation answers a tool's question to the user. */
export function addElicitationRoute(app: OpenAPIHono<HttpEnv>, options: ElicitationRouteOptions): void {
  const { sessions, deciderOf, middleware } = options
  const route = createRoute({
    method: "post",
    path: "/chat/elicitation",
    operationId: "answerElicitation",
    summary: "Answer a question of a tool",
    tags: ["approvals"],
    security: describeSecurity("session"),
    middleware,
    request: {
      body: { required: true, content: { "application/json": { schema: elicitationRequestSchema } } },
    },
    responses: {
      200: {
        description: "The answer is durable. Later answers are refused.",
        content: { "application/json": { schema: doneResponseSchema } },
      },
      ...describeProblems(...ofToken, ...ofBody, ...ofAnswer),
    },
  })

  app.openapi(route, async (c) => {
    const { tool_call_id, nonce, action, content } = c.req.valid("json")
    const outcome = await sessions.respond({
      sessionId: c.get("session").id,
      toolCallId: tool_call_id,
      nonce,
      action,
      ...(content ? { content } : {}),
      decidedBy: deciderOf(c),
    })
    requireAccepted(outcome)
    return respondJson(c, done, 200)
  })
}

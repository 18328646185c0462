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
import { toolApprovalRequestSchema } from "../schemas/answers.ts"
import { done, doneResponseSchema } from "../schemas/done.ts"

export interface ToolApprovalRouteOptions {
  readonly sessions: Sessions
  readonly deciderOf: DeciderOf
  readonly middleware: MiddlewareHandler<HttpEnv>[]
}

/** POST /chat/tool-approval allows or denies a call that waits for a person. */
export function addToolApprovalRoute(app: OpenAPIHono<HttpEnv>, options: ToolApprovalRouteOptions): void {
  const { sessions, deciderOf, middleware } = options
  const route = createRoute({
    method: "post",
    path: "/chat/tool-approval",
    operationId: "answerApproval",
    summary: "Allow or deny a tool call",
    tags: ["approvals"],
    security: describeSecurity("session"),
    middleware,
    request: {
      body: { required: true, content: { "application/json": { schema: toolApprovalRequestSchema } } },
    },
    responses: {
      200: {
        description: "The answer is durable. Later answers are refused.",
        content: { "application/json": { schema: doneResponseSchema } },
      },
      ...describeProblems(...ofToken, ...ofBody, ...ofAnswer, "403 approval_by_operator"),
    },
  })

  app.openapi(route, async (c) => {
    const { tool_call_id, nonce, approved, allow_tool_type, scope, tool_input, reason } = c.req.valid("json")
    const outcome = await sessions.decide({
      sessionId: c.get("session").id,
      toolCallId: tool_call_id,
      nonce,
      approved,
      ...(approved ? { allowToolType: allow_tool_type ?? false } : {}),
      ...(scope ? { scope } : {}),
      ...(approved && tool_input ? { editedInput: tool_input } : {}),
      ...(reason ? { reason } : {}),
      decidedBy: deciderOf(c),
    })
    requireAccepted(outcome)
    return respondJson(c, done, 200)
  })
}

import { createRoute, type OpenAPIHono, type z } from "@hono/zod-openapi"
import type { MiddlewareHandler } from "hono"
import type { Json } from "../../../core/json/json.ts"
import type { ToolResult } from "../../../core/ports/tools/tool.ts"
import { describeSecurity } from "../../../http/auth/access.ts"
import type { DeciderOf } from "../../../http/auth/decider.ts"
import type { HttpEnv } from "../../../http/http-env.ts"
import { respondJson } from "../../../http/respond.ts"
import { describeProblems } from "../../../http/schemas/problem.ts"
import { ofAnswer, ofBody, ofToken } from "../../../http/schemas/refusals.ts"
import { requireAccepted } from "../../../kernel/sessions/answering/require-accepted.ts"
import type { Sessions } from "../../../kernel/sessions/sessions.ts"
import { toolResultRequestSchema } from "../schemas/answers.ts"
import { done, doneResponseSchema } from "../schemas/done.ts"

export interface ToolResultRouteOptions {
  readonly sessions: Sessions
  readonly deciderOf: DeciderOf
  readonly middleware: MiddlewareHandler<HttpEnv>[]
}

/** POST /chat/tool-result submits the result of a call that the client executes. */
export function addToolResultRoute(app: OpenAPIHono<HttpEnv>, options: ToolResultRouteOptions): void {
  const { sessions, deciderOf, middleware } = options
  const route = createRoute({
    method: "post",
    path: "/chat/tool-result",
    operationId: "answerToolCall",
    summary: "Send the result of a client tool call",
    tags: ["approvals"],
    security: describeSecurity("session"),
    middleware,
    request: {
      body: { required: true, content: { "application/json": { schema: toolResultRequestSchema } } },
    },
    responses: {
      200: {
        description: "The result is durable. Later results are refused.",
        content: { "application/json": { schema: doneResponseSchema } },
      },
      ...describeProblems(...ofToken, ...ofBody, ...ofAnswer),
    },
  })

  app.openapi(route, async (c) => {
    const { tool_call_id, nonce, ...outcome } = c.req.valid("json")
    const accepted = await sessions.submitResult({
      sessionId: c.get("session").id,
      toolCallId: tool_call_id,
      nonce,
      result: toToolResult(outcome),
      decidedBy: deciderOf(c),
    })
    requireAccepted(accepted)
    return respondJson(c, done, 200)
  })
}

type Outcome = Omit<z.output<typeof toolResultRequestSchema>, "tool_call_id" | "nonce">

/** Returns the result of a client tool call. The body was parsed from JSON, so its members are JSON values. */
function toToolResult({ result = null, is_error: isError, warning, error }: Outcome): ToolResult {
  if (error != null) {
    const { code, sub_code: subCode, message } = error
    return { type: "error", code, ...(subCode !== undefined && { subCode }), message }
  }
  const marks = { ...(isError === true && { isError }), ...(warning !== undefined && { warning }) }
  return { type: "json", value: result as Json, ...marks }
}

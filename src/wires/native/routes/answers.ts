import { createRoute, type OpenAPIHono, type z } from "@hono/zod-openapi"
import type { MiddlewareHandler } from "hono"
import type { Json } from "../../../core/json/json.ts"
import type { ToolResult } from "../../../core/ports/tools/tool.ts"
import { describeSecurity } from "../../../http/auth/access.ts"
import type { DeciderOf } from "../../../http/auth/decider.ts"
import type { HttpEnv } from "../../../http/http-env.ts"
import { respondJson } from "../../../http/respond.ts"
import { describeJson } from "../../../http/schemas/describe-json.ts"
import { describeProblems } from "../../../http/schemas/problem.ts"
import { ofAnswer, ofBody, ofToken, type Refusal } from "../../../http/schemas/refusals.ts"
import { requireAccepted } from "../../../kernel/sessions/answering/require-accepted.ts"
import type { AnswerTarget, GivenAnswer, Sessions } from "../../../kernel/sessions/sessions.ts"
import {
  elicitationRequestSchema,
  toolApprovalRequestSchema,
  toolResultRequestSchema,
} from "../schemas/answers.ts"
import { done, doneResponseSchema } from "../schemas/done.ts"

export interface AnswerRoutesOptions {
  readonly sessions: Sessions
  readonly deciderOf: DeciderOf
  readonly middleware: MiddlewareHandler<HttpEnv>[]
}

/** Adds the routes that answer the open waits of a session. */
export function addAnswerRoutes(app: OpenAPIHono<HttpEnv>, options: AnswerRoutesOptions): void {
  addRoute(app, options, {
    path: "/chat/tool-approval",
    operationId: "answerApproval",
    summary: "Allow or deny a tool call",
    description: "The answer is durable. Later answers are refused.",
    schema: toolApprovalRequestSchema,
    problems: ["403 approval_by_operator"],
    toAnswer: (target, { approved, allow_tool_type, scope, tool_input, reason }) => ({
      ...target,
      kind: "approval",
      approved,
      ...(approved ? { allowToolType: allow_tool_type ?? false } : {}),
      ...(scope ? { scope } : {}),
      ...(approved && tool_input ? { editedInput: tool_input } : {}),
      ...(reason ? { reason } : {}),
    }),
  })
  addRoute(app, options, {
    path: "/chat/elicitation",
    operationId: "answerElicitation",
    summary: "Answer a question of a tool",
    description: "The answer is durable. Later answers are refused.",
    schema: elicitationRequestSchema,
    toAnswer: (target, { action, content }) => ({
      ...target,
      kind: "elicitation",
      action,
      ...(content ? { content } : {}),
    }),
  })
  addRoute(app, options, {
    path: "/chat/tool-result",
    operationId: "answerToolCall",
    summary: "Send the result of a client tool call",
    description: "The result is durable. Later results are refused.",
    schema: toolResultRequestSchema,
    toAnswer: (target, outcome) => ({ ...target, kind: "clientTool", result: toToolResult(outcome) }),
  })
}

interface AnswerRoute<Schema extends z.ZodType> {
  readonly path: string
  readonly operationId: string
  readonly summary: string
  readonly description: string
  readonly schema: Schema
  readonly problems?: readonly Refusal[]
  toAnswer(target: AnswerTarget, body: z.output<Schema>): GivenAnswer
}

function addRoute<Schema extends z.ZodType<{ readonly tool_call_id: string; readonly nonce: string }>>(
  app: OpenAPIHono<HttpEnv>,
  { sessions, deciderOf, middleware }: AnswerRoutesOptions,
  { path, operationId, summary, description, schema, problems = [], toAnswer }: AnswerRoute<Schema>,
): void {
  const route = createRoute({
    method: "post",
    path,
    operationId,
    summary,
    tags: ["approvals"],
    security: describeSecurity("session"),
    middleware,
    request: { body: { required: true, content: { "application/json": { schema } } } },
    responses: {
      200: describeJson(description, doneResponseSchema),
      ...describeProblems(...ofToken, ...ofBody, ...ofAnswer, ...problems),
    },
  })
  app.openapi(route, async (c) => {
    // The route's own types do not follow a schema that is a parameter.
    const body = c.req.valid("json" as never) as z.output<Schema>
    const target = {
      sessionId: c.get("session").id,
      toolCallId: body.tool_call_id,
      nonce: body.nonce,
      decidedBy: deciderOf(c),
    }
    requireAccepted(await sessions.answer(toAnswer(target, body)))
    return respondJson(c, done, 200)
  })
}

/** Returns the result of a client tool call. The body was parsed from JSON, so its members are JSON values. */
function toToolResult({
  result = null,
  is_error: isError,
  warning,
  error,
}: z.output<typeof toolResultRequestSchema>): ToolResult {
  if (error != null) {
    const { code, sub_code: subCode, message } = error
    return { type: "error", code, ...(subCode !== undefined && { subCode }), message }
  }
  const marks = { ...(isError === true && { isError }), ...(warning !== undefined && { warning }) }
  return { type: "json", value: result as Json, ...marks }
}

import type { z } from "@hono/zod-openapi"
import type { Json } from "../../core/json/json.ts"
import type { Decider } from "../../core/log/entries.ts"
import type { Wait } from "../../core/ports/store/approvals.ts"
import type { ToolResult } from "../../core/ports/tools/tool.ts"
import { createInvalidBody } from "../../http/problem.ts"
import { toFieldErrors } from "../../http/request/field-errors.ts"
import type { GivenAnswer } from "../../kernel/sessions/sessions.ts"
import { decisionSchema, failureSchema, type LastMessage } from "./schemas.ts"

/**
 * Returns the answers to open waits that a message of the assistant contains, as its client has completed it. The parts
 * of calls that do not wait are ignored, because clients send their whole message.
 */
export function readAnswers(
  { parts }: LastMessage,
  waits: readonly Wait[],
  decidedBy: Decider,
): readonly GivenAnswer[] {
  const open = new Set(waits)
  return parts.flatMap((part): readonly GivenAnswer[] => {
    if (part.type !== "dynamic-tool" && !part.type.startsWith("tool-")) return []
    const wait = [...open].find((wait) => isAnswered(part, wait))
    if (wait === undefined) return []
    // If two parts answer the same wait, the first one counts.
    open.delete(wait)
    const { sessionId, toolCallId, nonce } = wait
    const answer = { sessionId, toolCallId, nonce, decidedBy }
    if (wait.kind !== "approval") return [{ kind: "clientTool", ...answer, result: readResult(part) }]
    const { approved, reason } = parse(decisionSchema, part.approval)
    return [{ kind: "approval", ...answer, approved, ...(reason !== undefined && { reason }) }]
  })
}

type Part = LastMessage["parts"][number]

function isAnswered({ state, approval, toolCallId }: Part, wait: Wait): boolean {
  if (wait.kind === "approval") return state === "approval-responded" && approval?.id === wait.waitId
  if (wait.kind !== "clientTool" || toolCallId !== wait.toolCallId) return false
  return state === "output-available" || state === "output-error"
}

function readResult(part: Part): ToolResult {
  if (part.state === "output-error")
    return { type: "error", code: "tool_failed", message: parse(failureSchema, part).errorText }
  // The body was parsed from JSON, so its members are JSON values.
  return { type: "json", value: (part.output ?? null) as Json }
}

function parse<Value>(schema: z.ZodType<Value>, value: unknown): Value {
  const { data, error } = schema.safeParse(value)
  if (error !== undefined) throw createInvalidBody(toFieldErrors(error))
  return data
}

import { type OpenAPIHono, z } from "@hono/zod-openapi"
import type { Context, MiddlewareHandler } from "hono"
import type { Json, JsonObject } from "../../core/json/json.ts"
import type { Decider } from "../../core/log/entries.ts"
import type { Wait } from "../../core/ports/store/approvals.ts"
import type { Principal } from "../../core/ports/store/session-log.ts"
import { requireAccepted } from "../../http/answer-outcome.ts"
import type { HttpEnv } from "../../http/http-env.ts"
import type { ClientAddress } from "../../http/request/client-address.ts"
import type { Sessions } from "../../kernel/sessions/sessions.ts"
import { readBody, readQuery } from "../read-request.ts"

export interface WaitRoutesOptions {
  readonly prefix: string
  readonly sessions: Sessions
  /** The person who answers, for the audit trail. */
  readonly principal: Principal
  readonly clientAddress: ClientAddress
  readonly body: MiddlewareHandler<HttpEnv>
}

const waitsQuery = z.strictObject({ session_id: z.string().max(128).optional() })
const jsonObject = z.record(z.string(), z.unknown())
const target = { session_id: z.string(), tool_call_id: z.string(), nonce: z.string() }

const answerSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    ...target,
    kind: z.literal("approval"),
    approved: z.boolean(),
    remember: z.boolean().optional(),
    input: jsonObject.optional(),
    reason: z.string().max(10_000).optional(),
  }),
  z.strictObject({
    ...target,
    kind: z.literal("question"),
    action: z.enum(["accept", "decline", "cancel"]),
    content: jsonObject.optional(),
  }),
  z.strictObject({
    ...target,
    kind: z.literal("clientTool"),
    result: z.unknown().optional(),
    error: z.strictObject({ code: z.string(), message: z.string() }).optional(),
  }),
])

/** Adds GET waits and GET waits/count, over all sessions, and POST waits, which answers one wait. */
export function addWaitRoutes(root: OpenAPIHono<HttpEnv>, options: WaitRoutesOptions): void {
  const { prefix, sessions, principal, clientAddress, body } = options

  root.get(`${prefix}/waits`, async (c) => {
    const { session_id: sessionId } = readQuery(c, waitsQuery)
    const waits = await sessions.openWaits(sessionId === undefined ? {} : { sessionId })
    return c.json({ items: waits.filter(isForPeople), next: null })
  })

  root.get(`${prefix}/waits/count`, async (c) => {
    const waits = await sessions.openWaits({})
    return c.json({ count: waits.filter(isForPeople).length })
  })

  root.post(`${prefix}/waits`, body, async (c) => {
    const answer = await readBody(c, answerSchema)
    const { session_id: sessionId, tool_call_id: toolCallId, nonce } = answer
    const common = { sessionId, toolCallId, nonce, decidedBy: createDecider(c) }
    switch (answer.kind) {
      case "approval": {
        const { approved, remember = false, input, reason } = answer
        const edit = input === undefined ? {} : { editedInput: input as JsonObject }
        const said = reason === undefined ? {} : { reason }
        requireAccepted(
          await sessions.decide({ ...common, approved, allowToolType: remember, ...edit, ...said }),
        )
        break
      }
      case "question": {
        const { action, content } = answer
        const filled = content === undefined ? {} : { content: content as JsonObject }
        requireAccepted(await sessions.respond({ ...common, action, ...filled }))
        break
      }
      case "clientTool": {
        const { result: value = null, error } = answer
        const result =
          error === undefined
            ? ({ type: "json", value: value as Json } as const)
            : ({ type: "error", ...error } as const)
        requireAccepted(await sessions.submitResult({ ...common, result }))
        break
      }
      default:
        answer satisfies never
    }
    return c.json({ status: "ok" })
  })

  function createDecider(c: Context<HttpEnv>): Decider {
    const { name } = c.get("operator")
    return { via: "http", ...principal, address: clientAddress(c), credential: "operator", operator: name }
  }
}

/** Returns true for waits that need a person. Waits for other sessions and timers do not. */
function isForPeople({ kind }: Wait): boolean {
  return kind === "approval" || kind === "elicitation" || kind === "clientTool"
}

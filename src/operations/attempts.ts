import { z } from "zod"
import { GatewayError } from "../core/errors.ts"
import { defineOperation } from "./operation.ts"
import { id, pageOf, time } from "./schemas.ts"
import { findSession } from "./tenants.ts"

/** Reads the requests of model attempts that the gateway kept. */
export interface OperatedAttempts {
  list(sessionId: string): Promise<readonly z.input<typeof attempt>[]>
  show(sessionId: string, attemptId: string | undefined): Promise<z.input<typeof shownAttempt> | null>
}

const headers = z.record(z.string(), z.string())

const attempt = z.object({
  /** The id of the turn, or of the summary, and the number of the attempt. */
  id: z.string(),
  at: time,
  runId: z.string(),
  stepId: z.string(),
  attempt: z.number(),
  purpose: z.enum(["response", "summary"]),
  provider: z.string().nullable(),
  model: z.string(),
  /** Error code. Null if there was a response. */
  code: z.string().nullable(),
  durationMs: z.number().nullable(),
  /** `gateway`: the provider does not report what it sends, so the body is the gateway's request to the provider. */
  form: z.enum(["http", "gateway"]),
})

export const shownAttempt = attempt.extend({
  url: z.string().nullable(),
  headers,
  /** The request, with secrets masked. */
  body: z.unknown(),
  /** The beginning of the response. Null if there was none, or if the provider does not report it. */
  response: z.object({ status: z.number(), headers, body: z.string() }).nullable(),
})

const oneSession = { sessionId: id }

const notKept =
  "The request of this model attempt is not kept, or was encrypted with another key. See keepRequests and secretsKey."

export const attemptOperations = {
  "sessions.attempts": defineOperation({
    summary: "List the model attempts of a session whose requests are kept, newest first",
    route: "GET /sessions/{sessionId}/attempts",
    access: "read",
    tenant: "byId",
    problems: ["404 session_not_found"],
    input: z.strictObject(oneSession),
    output: pageOf(attempt),
    async run(parts, { sessionId }, caller) {
      await findSession(parts, sessionId, caller)
      return { items: [...(await (await parts.attempts()).list(sessionId))], next: null }
    },
  }),
  "sessions.attempt": defineOperation({
    summary: "Show the request of a model attempt as it was sent, and the beginning of the response",
    route: "GET /sessions/{sessionId}/attempts/{attemptId}",
    access: "content",
    tenant: "byId",
    problems: ["404 session_not_found", "404 attempt_not_found"],
    input: z.strictObject({
      ...oneSession,
      attemptId: id.describe("The attempt's id, or latest for the newest attempt"),
    }),
    output: shownAttempt,
    async run(parts, { sessionId, attemptId }, caller) {
      await findSession(parts, sessionId, caller)
      const attempts = await parts.attempts()
      const found = await attempts.show(sessionId, attemptId === "latest" ? undefined : attemptId)
      if (found !== null) return found
      throw new GatewayError({ code: "attempt_not_found", status: 404 }, notKept)
    },
  }),
}

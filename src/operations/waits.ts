import { z } from "zod"
import { omitUndefined } from "../core/defined-only.ts"
import { GatewayError } from "../core/errors.ts"
import type { Json, JsonObject } from "../core/json/json.ts"
import type { Wait } from "../core/ports/store/approvals.ts"
import { requireAccepted } from "../kernel/sessions/answering/require-accepted.ts"
import type { GivenAnswer } from "../kernel/sessions/sessions.ts"
import { defineOperation, type OperationCaller } from "./operation.ts"
import type { OperationParts } from "./parts.ts"
import { done, id, json, ok, pageOf, time } from "./schemas.ts"
import { findSession } from "./tenants.ts"

const facts = {
  waitId: z.string(),
  sessionId: z.string(),
  tenant: z.string(),
  userId: z.string(),
  runId: z.string(),
  toolCallId: z.string(),
  toolName: z.string(),
  openedAt: time,
  expiresAt: time,
}

/** A wait without what was asked. */
export const listedWait = z.object({
  ...facts,
  kind: z.enum(["approval", "clientTool", "elicitation", "child", "timer"]),
})

/** The parts of a wait that its answer needs. */
const answered = {
  ...facts,
  answerSchema: json.nullable(),
  nonce: z.string(),
  /** The MCP server of the tool. Null for other tools. */
  origin: z.object({ server: z.string() }).nullable(),
}

const question = z.discriminatedUnion("mode", [
  z.object({ mode: z.literal("form"), message: z.string(), schema: json }),
  z.object({ mode: z.literal("url"), message: z.string(), url: z.string() }),
])

const openWait = z.discriminatedUnion("kind", [
  z.object({
    ...answered,
    kind: z.literal("approval"),
    payload: z.object({ input: json, qualifier: z.string().nullable(), reason: z.string().nullable() }),
  }),
  z.object({ ...answered, kind: z.literal("clientTool"), payload: z.object({ input: json }) }),
  z.object({
    ...answered,
    kind: z.literal("elicitation"),
    payload: z.object({ server: z.string().nullable(), question }),
  }),
])

const target = { sessionId: id, toolCallId: z.string(), nonce: z.string() }

const answer = z.discriminatedUnion("kind", [
  z.strictObject({
    ...target,
    kind: z.literal("approval"),
    approved: z.boolean(),
    remember: z.boolean().default(false),
    /** The sessions that `remember` applies to: the session of the tool, or its whole tree. */
    scope: z.enum(["session", "tree"]).optional(),
    input: json.optional(),
    reason: z.string().max(10_000).optional(),
  }),
  z.strictObject({
    ...target,
    kind: z.literal("elicitation"),
    action: z.enum(["accept", "decline", "cancel"]),
    content: json.optional(),
  }),
  z.strictObject({
    ...target,
    kind: z.literal("clientTool"),
    result: z.unknown().optional(),
    error: z.strictObject({ code: z.string(), message: z.string() }).optional(),
  }),
])

const inSession = id.optional().describe("Only of this session")
const ofSession = z.strictObject({ sessionId: inSession })

export const waitOperations = {
  "waits.list": defineOperation({
    summary: "List open waits of all kinds by their tools, oldest first",
    route: "GET /waits",
    access: "read",
    tenant: "filter",
    input: ofSession,
    output: pageOf(listedWait),
    async run(parts, filter, caller) {
      return { items: [...(await listWaits(parts, filter, caller))], next: null }
    },
  }),
  "approvals.list": defineOperation({
    summary: "List open approvals, questions and client tool calls with their arguments, oldest first",
    route: "GET /approvals",
    access: "approve",
    tenant: "filter",
    input: ofSession,
    output: pageOf(openWait),
    async run(parts, filter, caller) {
      return { items: (await listWaits(parts, filter, caller)).filter(isForPeople), next: null }
    },
  }),
  "approvals.answer": defineOperation({
    summary: "Answer an approval, a question or a client tool call",
    route: "POST /approvals",
    access: "approve",
    tenant: "byId",
    problems: [
      ...(["404 session_not_found", "403 wrong_nonce", "404 wait_not_found"] as const),
      ...(["409 already_answered", "410 wait_expired", "422 invalid_answer", "503 overloaded"] as const),
    ],
    input: answer,
    output: done,
    async run(parts, given, caller) {
      await findSession(parts, given.sessionId, caller)
      requireAccepted(await parts.sessions.answer(toGivenAnswer(given, caller)))
      return ok
    },
  }),
  "grants.list": defineOperation({
    summary: "List the tool types that are allowed for the rest of a session",
    route: "GET /sessions/{sessionId}/grants",
    access: "approve",
    tenant: "byId",
    problems: ["404 session_not_found"],
    input: z.strictObject({ sessionId: id }),
    output: pageOf(z.object({ toolName: z.string(), qualifier: z.string().nullable(), at: time })),
    async run(parts, { sessionId }, caller) {
      await findSession(parts, sessionId, caller)
      return { items: [...(await parts.sessions.grants(sessionId))], next: null }
    },
  }),
  "grants.revoke": defineOperation({
    summary: "Revoke a grant of a session",
    route: "POST /sessions/{sessionId}/grants/revoke",
    access: "approve",
    tenant: "byId",
    problems: ["404 session_not_found", "404 grant_not_found"],
    input: z.strictObject({
      sessionId: id,
      toolName: z.string().describe("Name of the tool"),
      qualifier: z.string().nullable().default(null).describe("Qualifier of the tool type"),
    }),
    output: done,
    async run(parts, grant, caller) {
      await findSession(parts, grant.sessionId, caller)
      if (await parts.sessions.revokeGrant({ ...grant, revokedBy: caller.decidedBy })) return ok
      throw new GatewayError({ code: "grant_not_found", status: 404 }, "The session has no such grant.")
    },
  }),
  "approvals.audit": defineOperation({
    summary: "List decisions with their people and times, newest first",
    route: "GET /approvals/audit",
    access: "approve",
    tenant: "filter",
    input: z.strictObject({
      sessionId: inSession,
      limit: z.coerce.number().int().min(1).max(1_000).default(1_000).describe("Maximum, from 1 to 1000"),
    }),
    output: pageOf(
      z.object({
        at: time,
        sessionId: z.string(),
        runId: z.string().nullable(),
        toolCallId: z.string().nullable(),
        toolName: z.string(),
        qualifier: z.string().nullable(),
        action: z.string(),
        decidedBy: json.nullable(),
        editedInput: json.nullable(),
        reason: z.string().nullable(),
      }),
    ),
    async run(parts, { sessionId, limit }, { tenant }) {
      const query = omitUndefined({ sessionId, limit, tenant: tenant ?? undefined })
      const records = await parts.sessions.audit(query)
      const items = records.map((each) => ({ ...each, decidedBy: each.decidedBy && { ...each.decidedBy } }))
      return { items, next: null }
    },
  }),
}

function listWaits(
  { sessions }: OperationParts,
  { sessionId }: z.output<typeof ofSession>,
  { tenant }: OperationCaller,
): Promise<readonly Wait[]> {
  return sessions.openWaits(omitUndefined({ sessionId, tenant: tenant ?? undefined }))
}

type ForPeople = Extract<Wait, { readonly kind: "approval" | "elicitation" | "clientTool" }>

/** Returns true for waits that need a person. Waits for other sessions and timers do not. */
function isForPeople(wait: Wait): wait is ForPeople {
  return wait.kind === "approval" || wait.kind === "elicitation" || wait.kind === "clientTool"
}

/** Returns the answer in the form of the sessions. Its members were parsed from JSON. */
function toGivenAnswer(given: z.output<typeof answer>, { decidedBy }: OperationCaller): GivenAnswer {
  const { sessionId, toolCallId, nonce } = given
  const target = { sessionId, toolCallId, nonce, decidedBy }
  switch (given.kind) {
    case "approval": {
      const { kind, approved, remember, scope, input, reason } = given
      const optional = omitUndefined({ editedInput: input as JsonObject | undefined, reason, scope })
      return { ...target, kind, approved, allowToolType: remember, ...optional }
    }
    case "elicitation": {
      const { kind, action, content } = given
      return { ...target, kind, action, ...omitUndefined({ content: content as JsonObject | undefined }) }
    }
    case "clientTool": {
      const { kind, result = null, error } = given
      const value = { type: "json", value: result as Json } as const
      return { ...target, kind, result: error ? { type: "error", ...error } : value }
    }
    default:
      return given satisfies never
  }
}

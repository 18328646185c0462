import { z } from "zod"
import { omitUndefined } from "../core/defined-only.ts"
import { formatDirectoryCursor } from "../core/directory-cursor.ts"
import { GatewayError } from "../core/errors.ts"
import type { ListedRun, ListedSession } from "../core/ports/store/directory.ts"
import { findAttempt, shownAttempt } from "./attempts.ts"
import { defineOperation, type OperationCaller, requireScope } from "./operation.ts"
import type { OperationParts } from "./parts.ts"
import { cost, done, id, json, name, ok, pageOf, paging, parseCursor, time } from "./schemas.ts"
import { chooseTenant, consoleTenant, createSessionNotFound, findSession } from "./tenants.ts"

const sessionStates = ["idle", "queued", "running", "waiting", "unserved"] as const
const endStates = ["completed", "interrupted", "failed"] as const
const runStates = [...sessionStates.filter((state) => state !== "idle"), ...endStates]

const principal = { tenant: z.string(), userId: z.string() }
const parent = z.object({ sessionId: z.string(), runId: z.string(), toolCallId: z.string() }).nullable()

const session = z.object({
  id: z.string(),
  externalId: z.string().nullable(),
  agent: z.string(),
  ...principal,
  parent,
  rootId: z.string(),
  state: z.enum(sessionStates),
  activeRunId: z.string().nullable(),
  createdAt: time,
  lastUsedAt: time,
  revokedAt: time.nullable(),
  storedBytes: z.number(),
  /** Beginning of the first message. Null before the first run. Absent without the scope `content`. */
  title: z.string().nullable().optional(),
  /** Cost of its newest runs. If `isPartial`, older ones do not count. */
  spent: z.object({ cost, isPartial: z.boolean() }),
})

const run = z.object({
  id: z.string(),
  sessionId: z.string(),
  agent: z.string(),
  ...principal,
  parent,
  rootId: z.string(),
  state: z.enum(runStates),
  createdAt: time,
  /** Null while the run has not ended. `message` of an error is absent without the scope `content`. */
  end: z
    .object({
      at: time,
      cost,
      error: z.object({ code: z.string(), message: z.string().optional() }).nullable(),
    })
    .nullable(),
})

const grant = z.object({ toolName: z.string(), qualifier: z.string().nullable(), at: time })

const ofUser = {
  agent: name.optional().describe("Only with this agent"),
  tenant: name.optional().describe("Only of this tenant"),
  user: name.optional().describe("Only of this user of the tenant"),
  ...paging,
}
const hasTenant = { path: ["user"], error: "requires tenant, because a user belongs to a tenant" }
const isOwned = ({
  tenant,
  user,
}: {
  readonly tenant?: string | undefined
  readonly user?: string | undefined
}) => user === undefined || tenant !== undefined
const oneSession = z.strictObject({ sessionId: id })
const oneRun = z.strictObject({ runId: id })

export const sessionOperations = {
  "sessions.list": defineOperation({
    summary: "List the sessions of all users, newest first",
    route: "GET /sessions",
    access: "read",
    tenant: "filter",
    problems: ["400 invalid_cursor", "403 tenant_restricted"],
    input: z
      .strictObject({
        ...ofUser,
        state: z.enum(sessionStates).optional(),
        owner: z
          .literal("me")
          .optional()
          .describe("me: only the conversations of the operator in the console"),
      })
      .refine(isOwned, hasTenant),
    output: pageOf(session),
    async run(parts, { state, owner, ...filter }, caller) {
      const query = owner === undefined ? toQuery(filter, caller) : toOwnQuery(filter, caller)
      const states = state === undefined ? {} : { states: [state] }
      const { items, next } = await parts.directory.sessions({ ...query, ...states })
      const shown = owner === undefined ? items : items.filter(isConversation)
      return { items: await describeSessions(parts, shown, caller), next: formatNext(next) }
    },
  }),
  "sessions.show": defineOperation({
    summary: "Show a session with its newest runs and the sessions that it started",
    route: "GET /sessions/{sessionId}",
    access: "read",
    tenant: "byId",
    problems: ["404 session_not_found", "404 attempt_not_found"],
    input: oneSession.extend({
      request: id
        .optional()
        .describe("Also show the request of this model attempt, by its id or as latest (scope content)"),
    }),
    output: z.object({
      session,
      runs: z.array(run),
      children: z.array(session),
      /** Absent without the scope `approve`. */
      grants: z.array(grant).optional(),
      /** Absent unless it was asked for. */
      request: shownAttempt.optional(),
    }),
    async run(parts, { sessionId, request: attemptId }, caller) {
      if (attemptId !== undefined) requireScope("content", caller.scopes)
      const found = await findSession(parts, sessionId, caller)
      const [{ items: runs }, { items: children }, grants] = await Promise.all([
        parts.directory.runs({ sessionId, limit: shownRuns }),
        parts.directory.sessions({ parentSessionId: sessionId, limit: shownRuns }),
        caller.scopes.includes("approve") ? parts.sessions.grants(sessionId) : undefined,
      ])
      const [described, ...others] = await describeSessions(parts, [found, ...children], caller)
      if (described === undefined) throw createSessionNotFound()
      const shown = {
        ...(grants && { grants: grants.map((each) => ({ ...each })) }),
        ...(attemptId !== undefined && { request: await findAttempt(parts, sessionId, attemptId) }),
      }
      return { session: described, runs: await describeRuns(parts, runs, caller), children: others, ...shown }
    },
  }),
  "sessions.events": defineOperation({
    summary: "Read the events of a session, with secrets masked",
    route: "GET /sessions/{sessionId}/events",
    access: "content",
    tenant: "byId",
    problems: ["404 session_not_found"],
    input: z.strictObject({
      sessionId: id,
      after: z.coerce
        .number()
        .int()
        .nonnegative()
        .default(0)
        .describe("Only events after this sequence number"),
    }),
    output: pageOf(
      z.object({
        seq: z.number(),
        at: time,
        runId: z.string().nullable(),
        event: z.looseObject({ type: z.string() }),
      }),
    ),
    async run(parts, { sessionId, after }, caller) {
      await findSession(parts, sessionId, caller)
      const items = await parts.readEvents(sessionId, after)
      const newest = (await parts.sessions.session(sessionId))?.lastSeq ?? 0
      const last = items.at(-1)?.seq ?? newest
      const shown = items.map(({ event, ...facts }) => ({ ...facts, event: { ...event } }))
      return { items: shown, next: last < newest ? String(last) : null }
    },
  }),
  "sessions.compaction": defineOperation({
    summary: "Show a summary that replaced older messages for the model",
    route: "GET /sessions/{sessionId}/compactions/{seq}",
    access: "content",
    tenant: "byId",
    problems: ["404 session_not_found", "404 compaction_not_found"],
    input: z.strictObject({ sessionId: id, seq: z.coerce.number().int().positive() }),
    output: z.object({ summary: z.string(), model: z.string(), usage: json.nullable(), cost, at: time }),
    async run(parts, { sessionId, seq }, caller) {
      await findSession(parts, sessionId, caller)
      const [entry] = await parts.readEvents(sessionId, seq - 1, 1)
      if (entry?.seq !== seq || entry.event.type !== "historyCompacted") {
        throw new GatewayError(
          { code: "compaction_not_found", status: 404 },
          "The session has no such summary.",
        )
      }
      const { summary, model, usage } = entry.event
      return { summary, model, usage: { ...usage }, cost: entry.event.cost, at: entry.at }
    },
  }),
  "sessions.revoke": defineOperation({
    summary: "Refuse the tokens of a session, and cancel its open run",
    route: "POST /sessions/{sessionId}/revoke",
    access: "operate",
    tenant: "byId",
    problems: ["404 session_not_found"],
    input: oneSession,
    output: done,
    async run(parts, { sessionId }, caller) {
      await findSession(parts, sessionId, caller)
      await parts.sessions.revoke(sessionId)
      return ok
    },
  }),
  "runs.list": defineOperation({
    summary: "List the runs of all users, newest first",
    route: "GET /runs",
    access: "read",
    tenant: "filter",
    problems: ["400 invalid_cursor", "403 tenant_restricted"],
    input: z
      .strictObject({
        ...ofUser,
        sessionId: id.optional().describe("Only of this session"),
        state: z.enum(runStates).optional(),
      })
      .refine(isOwned, hasTenant),
    output: pageOf(run),
    async run(parts, { state, sessionId, ...filter }, caller) {
      const { items, next } = await parts.directory.runs({
        ...toQuery(filter, caller),
        ...omitUndefined({ sessionId, states: state && [state] }),
      })
      return { items: await describeRuns(parts, items, caller), next: formatNext(next) }
    },
  }),
  "runs.show": defineOperation({
    summary: "Show a run",
    route: "GET /runs/{runId}",
    access: "read",
    tenant: "byId",
    problems: ["404 run_not_found"],
    input: oneRun,
    output: run,
    async run(parts, { runId }, caller) {
      const [described] = await describeRuns(parts, [await findRun(parts, runId, caller)], caller)
      if (described === undefined) throw createRunNotFound()
      return described
    },
  }),
  "runs.cancel": defineOperation({
    summary: "Cancel an open run, or withdraw a queued one",
    route: "POST /runs/{runId}/cancel",
    access: "operate",
    tenant: "byId",
    problems: ["404 run_not_found", "404 no_active_run"],
    input: oneRun,
    output: done,
    async run(parts, { runId }, caller) {
      const { sessionId } = await findRun(parts, runId, caller)
      const { status } = await parts.sessions.cancel(sessionId, runId)
      if (status === "accepted") return ok
      throw new GatewayError({ code: "no_active_run", status: 404 }, "There is no run to cancel.")
    },
  }),
}

/** Maximum runs and children that a session is shown with. */
const shownRuns = 50

type UserFilter = {
  readonly [Name in "agent" | "tenant" | "user" | "after"]?: string | undefined
} & { readonly limit: number }

/** Returns the filters of the directory. */
function toQuery({ agent, tenant: asked, user, after, limit }: UserFilter, caller: OperationCaller) {
  const tenant = chooseTenant(asked, caller)
  return omitUndefined({
    limit,
    agents: agent === undefined ? undefined : [agent],
    tenant,
    principal: tenant === undefined || user === undefined ? undefined : { tenant, userId: user },
    after: parseCursor(after),
  })
}

/** Returns a query for the sessions that the caller has in the console, which has a tenant of its own. */
function toOwnQuery({ agent, after, limit }: UserFilter, { name }: OperationCaller) {
  return omitUndefined({
    limit,
    agents: agent === undefined ? undefined : [agent],
    principal: { tenant: consoleTenant, userId: name ?? "" },
    after: parseCursor(after),
  })
}

function isConversation({ parent, revokedAt }: ListedSession): boolean {
  return parent === null && revokedAt === null
}

function formatNext(next: Parameters<typeof formatDirectoryCursor>[0] | null): string | null {
  return next === null ? null : formatDirectoryCursor(next)
}

async function describeSessions(
  { titles, costs }: OperationParts,
  listed: readonly ListedSession[],
  { scopes, signal }: OperationCaller,
) {
  const found = scopes.includes("content") ? await titles(listed, signal) : null
  return Promise.all(
    listed.map(async (each) => ({
      ...each,
      ...(found !== null && { title: found.get(each.id) ?? null }),
      spent: await costs.ofSession(each),
    })),
  )
}

async function describeRuns(
  { costs }: OperationParts,
  runs: readonly ListedRun[],
  { scopes }: OperationCaller,
) {
  return Promise.all(
    runs.map(async (each) => {
      const end = await costs.ofRun(each)
      const error = end?.error ?? null
      const shown = error === null || scopes.includes("content") ? error : { code: error.code }
      return { ...each, end: end === null ? null : { ...end, error: shown } }
    }),
  )
}

export async function findRun({ directory }: OperationParts, runId: string, { tenant }: OperationCaller) {
  const found = await directory.run(runId)
  if (found === null || (tenant !== null && found.tenant !== tenant)) throw createRunNotFound()
  return found
}

function createRunNotFound(): GatewayError {
  return new GatewayError({ code: "run_not_found", status: 404 }, "There is no such run.")
}

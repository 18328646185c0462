import { z } from "zod"
import { omitUndefined } from "../core/defined-only.ts"
import type { JsonObject } from "../core/json/json.ts"
import type { Wait } from "../core/ports/store/approvals.ts"
import type { Principal } from "../core/ports/store/session-log.ts"
import type { Tool } from "../core/ports/tools/tool.ts"
import type { DirectCall } from "../core/runs/direct-call.ts"
import type { CallEnd } from "../kernel/sessions/reading/fold-call.ts"
import { defineOperation } from "./operation.ts"
import { id, json, name, pageOf } from "./schemas.ts"
import { findRun } from "./sessions.ts"
import { applicationTenant, chooseTenant, findSession, toOperatorPrincipal } from "./tenants.ts"
import { listedWait } from "./waits.ts"

/** A tool of an agent, for callers without a model. */
export interface ListedTool extends Pick<Tool, "name" | "description" | "inputSchema"> {
  readonly agent: string
  /** If true, a call has no effect outside. */
  readonly isReadOnly: boolean
  /** If false, only a model can call it, because the client of a conversation executes it. */
  readonly isCallable: boolean
}

/** A call of a tool without a model. */
export interface ToolRequest {
  /** Name of the agent. Default: that of the session, or the default agent. */
  readonly agent?: string
  readonly tool: string
  readonly input: JsonObject
  /** The session in whose log the call is. Default: a new session. */
  readonly sessionId?: string
  /** Owner of the session. Default: any owner, and a new session belongs to `caller`. */
  readonly owner?: Principal
  readonly caller: Principal
  readonly origin: DirectCall["origin"]
  /** Milliseconds after which the call is canceled. */
  readonly timeoutMs: number
}

/** The state of a call. It has ended, it waits, or it is not over yet. */
export type ToolCallOutcome = {
  readonly sessionId: string
  /** The run that consists of the call. */
  readonly runId: string
  /** Null if the call was not reached. */
  readonly toolCallId: string | null
} & (
  | CallEnd
  /** The call was canceled after `timeoutMs`. */
  | { readonly status: "timedOut"; readonly isStarted: boolean }
  /** The call can only go on after answers to these waits, of its session or of sub-agents. */
  | { readonly status: "waiting"; readonly waits: readonly Wait[] }
  /** The call goes on. */
  | { readonly status: "running" }
)

/** The calls of tools without a model. */
export interface OperatedTools {
  list(agent?: string): Promise<readonly ListedTool[]>
  /** Rejects when the signal aborts. The call goes on. */
  call(request: ToolRequest, signal: AbortSignal): Promise<ToolCallOutcome>
  /** Resolves to the outcome of an earlier call, or to its state after `timeoutMs`. */
  outcome(
    run: { readonly sessionId: string; readonly runId: string },
    options: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<ToolCallOutcome>
}

/** Maximum milliseconds for which a request waits for a call. */
export const maxCallMs = 600_000
export const defaultCallMs = 60_000
/** Milliseconds for which a request waits for the outcome of an earlier call. */
export const defaultOutcomeMs = 10_000

const error = z.object({ code: z.string(), subCode: z.string().optional(), message: z.string() })
const call = { sessionId: z.string(), runId: z.string(), toolCallId: z.string().nullable() }

const outcomeSchema = z.discriminatedUnion("status", [
  z.object({ ...call, status: z.literal("completed"), result: json }),
  z.object({ ...call, status: z.enum(["failed", "invalid", "denied"]), error }),
  z.object({
    ...call,
    status: z.enum(["cancelled", "interrupted", "timedOut"]),
    /** If true, the call may have taken effect. */
    isStarted: z.boolean(),
  }),
  z.object({ ...call, status: z.literal("waiting"), waits: z.array(listedWait) }),
  z.object({ ...call, status: z.literal("running") }),
])

export const toolOperations = {
  "tools.list": defineOperation({
    summary: "List the tools that all runs of the agents have",
    route: "GET /tools",
    access: "read",
    tenant: "filter",
    problems: ["404 agent_not_found"],
    input: z.strictObject({ agent: name.optional().describe("Only of this agent") }),
    output: pageOf(
      z.object({
        agent: z.string(),
        name: z.string(),
        description: z.string(),
        inputSchema: json,
        isReadOnly: z.boolean(),
        isCallable: z.boolean(),
      }),
    ),
    async run(parts, { agent }) {
      const tools = await parts.tools().list(agent)
      return { items: tools.map(({ inputSchema, ...tool }) => ({ ...tool, inputSchema })), next: null }
    },
  }),
  "tools.call": defineOperation({
    summary: "Call a tool of an agent without a model, with its checks and approvals",
    route: "POST /tools/{tool}/call",
    access: "operate",
    tenant: "byId",
    problems: [
      ...(["403 tenant_restricted", "404 agent_not_found", "404 session_not_found"] as const),
      ...(["409 sub_agent_session", "413 session_too_large", "422 call_not_supported"] as const),
      ...(["422 client_tool", "429 queue_full", "503 overloaded", "503 upgrade_in_progress"] as const),
    ],
    input: z.strictObject({
      tool: name.describe("Name of the tool"),
      input: json.default({}).describe("Input of the tool as JSON"),
      agent: name
        .optional()
        .describe("Name of the agent (default: that of the session, or the default agent)"),
      sessionId: id.optional().describe("Session of the call (default: a new one)"),
      tenant: name.optional().describe("Tenant of the user"),
      user: name.optional().describe("Owner of a new session (default: the operator)"),
      timeoutMs: z.coerce
        .number()
        .int()
        .min(1)
        .max(maxCallMs)
        .default(defaultCallMs)
        .describe("Milliseconds after which the call is canceled, up to 600000 (default 60000)"),
    }),
    output: outcomeSchema,
    async run(parts, { tool, input, agent, sessionId, tenant, user, timeoutMs }, caller) {
      if (sessionId !== undefined) await findSession(parts, sessionId, caller)
      const ownTenant = chooseTenant(tenant, caller) ?? applicationTenant
      const owner = user === undefined ? undefined : { tenant: ownTenant, userId: user }
      const origin =
        caller.name === null
          ? ({ type: "code" } as const)
          : ({ type: "operator", name: caller.name } as const)
      // The input was parsed from JSON.
      const request = {
        tool,
        input: input as JsonObject,
        caller: toOperatorPrincipal(caller),
        origin,
        timeoutMs,
      }
      const given = omitUndefined({ agent, sessionId, owner })
      return describeOutcome(await parts.tools().call({ ...request, ...given }, caller.signal))
    },
  }),
  "tools.outcome": defineOperation({
    summary: "Show the outcome of a call without a model, or its state",
    route: "GET /tools/calls/{runId}",
    access: "operate",
    tenant: "byId",
    problems: ["404 run_not_found"],
    input: z.strictObject({
      runId: id,
      timeoutMs: z.coerce
        .number()
        .int()
        .min(1)
        .max(maxCallMs)
        .default(defaultOutcomeMs)
        .describe("Milliseconds to wait for the end of the call, up to 600000 (default 10000)"),
    }),
    output: outcomeSchema,
    async run(parts, { runId, timeoutMs }, caller) {
      const { sessionId } = await findRun(parts, runId, caller)
      return describeOutcome(
        await parts.tools().outcome({ sessionId, runId }, { timeoutMs, signal: caller.signal }),
      )
    },
  }),
}

/** Returns the outcome in the form of the schema, which leaves out what the waits ask. */
function describeOutcome(outcome: ToolCallOutcome): z.input<typeof outcomeSchema> {
  switch (outcome.status) {
    case "completed":
      return { ...outcome, result: { ...outcome.result } }
    case "waiting":
      return { ...outcome, waits: outcome.waits.map((wait) => ({ ...wait })) }
    default:
      return outcome
  }
}

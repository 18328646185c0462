import { ConfigurationError, GatewayError, OverloadedError, ShuttingDownError } from "../../core/errors.ts"
import { createLedger } from "../../core/fairness/ledger.ts"
import { isJsonObject, type JsonObject } from "../../core/json/json.ts"
import { toJson } from "../../core/json/to-json.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { Principal, Session } from "../../core/ports/store/session-log.ts"
import type { Tool } from "../../core/ports/tools/tool.ts"
import { isSamePrincipal } from "../../http/auth/principal.ts"
import { type FoldedCall, foldCall, noCall } from "../../kernel/sessions/reading/fold-call.ts"
import type { ViewEnd } from "../../kernel/sessions/reading/view-end.ts"
import type { Sessions } from "../../kernel/sessions/sessions.ts"
import { isOfSubAgent, isProgress } from "../../kernel/sessions/tree/sub-agent.ts"
import { type ListedTool, maxCallMs, type ToolCallOutcome, type ToolRequest } from "../../operations/tools.ts"
import type { Agent } from "../agent/agent.ts"
import { cancelRun } from "../runs/cancel-run.ts"
import { requireAcceptedRun } from "../runs/start-run.ts"
import type { ToolCalls } from "./tools.ts"

/** Maximum calls that one process waits for at a time. Further ones are refused. */
const maxCalls = { max: 512, maxOfTenant: 128, maxOfUser: 32 }

export interface ToolCallParts {
  readonly sessions: Sessions
  readonly agents: readonly Agent[]
  readonly defaultAgent: string
  readonly maxInputBytes: number
  readonly logger: Logger
}

/** An accepted call that this process waits for. */
interface FollowedCall {
  readonly sessionId: string
  readonly runId: string
  readonly cursor: number
  readonly owner: Principal
}

/** Creates the calls of a running gateway. */
export function createToolCalls(parts: ToolCallParts): ToolCalls {
  const { sessions, agents } = parts
  const held = createLedger(maxCalls)

  async function whileHeld<Result>(owner: Principal, work: () => Promise<Result>): Promise<Result> {
    if (!held.fits(owner, 1)) throw new OverloadedError("Too many calls of tools are open. Try again later.")
    held.add(owner, 1)
    try {
      return await work()
    } finally {
      held.add(owner, -1)
    }
  }

  /** With `leave`, the promise rejects on abort and the call goes on. With `cancel`, the call is canceled on abort. */
  async function call(
    request: ToolRequest,
    {
      cancel = noSignal(),
      leave = noSignal(),
    }: { readonly cancel?: AbortSignal; readonly leave?: AbortSignal },
  ): Promise<ToolCallOutcome> {
    const { tool, origin, timeoutMs } = request
    const input = checkInput(request, parts.maxInputBytes)
    checkTime(timeoutMs)
    const { agent, session } = await findPlace(parts, request)
    await refuseUncallable(agent, tool)
    const owner = session ?? request.owner ?? request.caller
    return whileHeld(owner, async () => {
      const { id: sessionId, tenant, userId } = session ?? (await sessions.create(owner, agent.name))
      const principal = { tenant, userId }
      const accepted = await sessions.start({
        ...{ sessionId, principal, context: {}, channel: null, model: null, idempotency: null },
        ...{ input: { type: "message", content: [] }, whenBusy: "queue" },
        call: { tool, input, origin },
      })
      const run = { sessionId, owner: principal, ...requireAcceptedRun(accepted) }
      return finish(run, { timeoutMs, cancel, leave })
    })
  }

  async function finish(
    run: FollowedCall,
    options: { readonly timeoutMs: number; readonly cancel: AbortSignal; readonly leave: AbortSignal },
  ): Promise<ToolCallOutcome> {
    const { cancel, leave } = options
    const budget = AbortSignal.timeout(options.timeoutMs)
    const outcome = await followCall(sessions, run, {
      signal: AbortSignal.any([budget, cancel, leave]),
      untilParked: true,
    })
    leave.throwIfAborted()
    if (outcome.status !== "running") return outcome
    await cancelRun(parts, run, leave)
    // A completion that came first counts.
    const last = await followCall(sessions, run, { signal: leave, untilParked: false })
    leave.throwIfAborted()
    const isOverdue = last.status === "cancelled" && !cancel.aborted
    return isOverdue ? { ...last, status: "timedOut" } : last
  }

  return {
    async list(name) {
      const listed = name === undefined ? agents : [findAgent(agents, name)]
      const tools = await Promise.all(
        listed.map(
          async (agent) => (await agent.listTools())?.map((tool) => describeTool(agent, tool)) ?? [],
        ),
      )
      return tools.flat()
    },
    call: (request, signal) => call(request, { leave: signal }),
    callUntilAborted: (request, signal) => call(request, { cancel: signal }),
    async outcome({ sessionId, runId }, { timeoutMs, signal }) {
      checkTime(timeoutMs)
      const [session, run] = await Promise.all([sessions.session(sessionId), sessions.run(sessionId, runId)])
      if (session === null || run === null) throw createRunNotFound()
      const { tenant, userId } = session
      const { cursor } = run
      return whileHeld({ tenant, userId }, async () => {
        const outcome = await followCall(
          sessions,
          { sessionId, runId, cursor, owner: { tenant, userId } },
          { signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), signal]), untilParked: true },
        )
        signal.throwIfAborted()
        return outcome
      })
    },
  }
}

/**
 * Follows a call to its end, or until it waits for people. If the signal aborts before, the outcome is `running`.
 * Rejects with `run_not_found` for a run that is no call.
 */
async function followCall(
  sessions: Sessions,
  { sessionId, runId, cursor, owner }: FollowedCall,
  { signal, untilParked }: { readonly signal: AbortSignal; readonly untilParked: boolean },
): Promise<ToolCallOutcome> {
  let call = noCall
  const view = sessions
    .viewTree(sessionId, {
      ...{ afterSeq: cursor, runId, principal: owner, throughLapse: true, deltas: false, signal },
      ...(untilParked && { untilParked: {} }),
    })
    [Symbol.asyncIterator]()
  try {
    for (;;) {
      const read = await view.next()
      if (read.done === true) return describeOutcome({ sessionId, runId }, call, read.value)
      if (isOfSubAgent(read.value) || isProgress(read.value)) continue
      for (const entry of read.value) {
        if (entry.kind !== "event") continue
        if (entry.event.type === "runStarted" && entry.event.call === undefined) throw createRunNotFound()
        call = foldCall(call, entry.event)
      }
    }
  } finally {
    await view.return?.()
  }
}

function describeOutcome(
  run: Pick<FollowedCall, "sessionId" | "runId">,
  { toolCallId, end }: FoldedCall,
  view: ViewEnd,
): ToolCallOutcome {
  const facts = { ...run, toolCallId }
  if (end !== null) return { ...facts, ...end }
  switch (view.type) {
    case "parked":
      return { ...facts, status: "waiting", waits: view.waits }
    case "left":
      return { ...facts, status: "running" }
    case "shutdown":
    case "lapsed":
      throw new ShuttingDownError()
    case "complete":
    case "gone":
      throw createRunNotFound()
    default:
      return view satisfies never
  }
}

/** Returns a copy of the input. Throws if it is no JSON object, or too large. */
function checkInput({ input }: ToolRequest, maxBytes: number): JsonObject {
  const copy = toJson(input, "The input of the tool")
  if (!isJsonObject(copy)) throw new ConfigurationError("The input of a tool must be an object.")
  if (Buffer.byteLength(JSON.stringify(copy)) <= maxBytes) return copy
  throw new GatewayError(
    { code: "body_too_large", status: 413 },
    `The input of the tool has more than ${maxBytes} bytes (limits.bodyBytes).`,
  )
}

function checkTime(timeoutMs: number): void {
  if (Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= maxCallMs) return
  throw new ConfigurationError(`timeoutMs: expected milliseconds from 1 to ${maxCallMs}`)
}

/** Resolves to the agent and the session of a call. The session is null if there must be a new one. */
async function findPlace(
  { sessions, agents, defaultAgent }: ToolCallParts,
  { agent, sessionId, owner }: ToolRequest,
): Promise<{ readonly agent: Agent; readonly session: Session | null }> {
  const named = agent === undefined ? undefined : findAgent(agents, agent)
  if (sessionId === undefined) return { agent: named ?? findAgent(agents, defaultAgent), session: null }
  const session = await sessions.session(sessionId)
  const served = agents.find(({ name }) => name === session?.agent)
  const isFound =
    session !== null &&
    session.revokedAt === null &&
    served !== undefined &&
    (named === undefined || named === served) &&
    (owner === undefined || isSamePrincipal(session, owner))
  if (!isFound) {
    throw new GatewayError(
      { code: "session_not_found", status: 404 },
      "The session does not exist, has expired, or belongs to another user or agent.",
    )
  }
  if (session.parent === null) return { agent: served, session }
  throw new GatewayError(
    { code: "sub_agent_session", status: 409 },
    "The session belongs to a sub-agent, which works for a call of another session. Call the tool in another " +
      "session.",
  )
}

function findAgent(agents: readonly Agent[], name: string): Agent {
  const agent = agents.find((each) => each.name === name)
  if (agent !== undefined) return agent
  throw new GatewayError(
    { code: "agent_not_found", status: 404 },
    `The gateway serves no agent named ${name}.`,
  )
}

/** Refuses tools that are known to be executed elsewhere. Other tools may depend on the user, so the run finds them. */
async function refuseUncallable(agent: Agent, name: string): Promise<void> {
  const tools = await agent.listTools()
  if (tools === null) {
    throw new GatewayError(
      { code: "call_not_supported", status: 422 },
      `The agent ${agent.name} has a custom loop, which executes its tools itself. Only its own loop can call them.`,
    )
  }
  const tool = tools.find((each) => each.name === name)
  if (tool?.executionLocation !== "client") return
  throw new GatewayError(
    { code: "client_tool", status: 422 },
    `The client of a conversation executes the tool ${name}, so only a model can call it.`,
  )
}

function describeTool({ name: agent }: Agent, tool: Tool): ListedTool {
  const { name, description, inputSchema, readOnly = false, executionLocation } = tool
  return {
    agent,
    name,
    description,
    inputSchema,
    isReadOnly: readOnly,
    isCallable: executionLocation !== "client",
  }
}

function createRunNotFound(): GatewayError {
  return new GatewayError({ code: "run_not_found", status: 404 }, "There is no such call.")
}

function noSignal(): AbortSignal {
  return new AbortController().signal
}

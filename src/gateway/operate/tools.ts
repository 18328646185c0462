import type { JsonObject } from "../../core/json/json.ts"
import { toPrincipalOfPerson } from "../../http/auth/principal.ts"
import {
  defaultCallMs,
  defaultOutcomeMs,
  type ListedTool,
  type OperatedTools,
  type ToolCallOutcome,
  type ToolRequest,
} from "../../operations/tools.ts"
import { localPrincipal } from "../runs/start-run.ts"

/** Calls of an agent's tools without a model. */
export interface GatewayTools {
  /**
   * Lists the tools that all runs of an agent have, or of all agents. Tools that depend on the user or on the run are
   * left out. Rejects with `agent_not_found`.
   */
  list(filter?: { readonly agent?: string }): Promise<readonly ListedTool[]>
  /**
   * Calls a tool as the model would: with the check of its input, interceptors, approvals, time limits and the log of
   * its session. No model is asked, and the conversation does not change. Waits while another run of the session is
   * open. Resolves when the call has ended, and when it can only go on after an answer (`waiting`). Then answer with
   * `waits`, and ask for the `outcome`. Rejects with a `GatewayError` if the call is not accepted, and then nothing was
   * logged.
   */
  call(call: ToolCallOptions): Promise<ToolCallOutcome>
  /** Resolves to the outcome of an earlier call, or to its state after `timeoutMs`. The call is never canceled. */
  outcome(
    run: { readonly sessionId: string; readonly runId: string },
    options?: { readonly timeoutMs?: number; readonly signal?: AbortSignal },
  ): Promise<ToolCallOutcome>
}

export interface ToolCallOptions {
  /** Name of the agent. Default: that of the session, or the default agent. */
  readonly agent?: string
  readonly tool: string
  /** At most `limits.bodyBytes` of JSON. Default `{}`. */
  readonly input?: JsonObject
  /** The session in whose log the call is. Default: a new session. */
  readonly sessionId?: string
  /** Owner of the session, like a person that `authenticate` returns. Default: the application, for a new session. */
  readonly userId?: string
  /** Tenant of `userId`. Default `default`. */
  readonly tenant?: string
  /** Milliseconds after which the call is canceled, at most 600 000. Waits for people do not count. Default 60 000. */
  readonly timeoutMs?: number
  /** Cancels the call on abort. Its outcome is then `cancelled`. */
  readonly signal?: AbortSignal
}

/** The calls of a running gateway. */
export interface ToolCalls extends OperatedTools {
  /** Calls a tool. An abort of the signal cancels the call. */
  callUntilAborted(request: ToolRequest, signal: AbortSignal): Promise<ToolCallOutcome>
}

/** Creates the calls of tools for code. `tools` may open the gateway at the first use. */
export function createGatewayTools(tools: () => Promise<ToolCalls>): GatewayTools {
  return {
    list: async ({ agent } = {}) => (await tools()).list(agent),
    async call({ input = {}, userId, tenant, timeoutMs = defaultCallMs, signal = noSignal(), ...call }) {
      signal.throwIfAborted()
      const owner = userId === undefined ? {} : { owner: toPrincipalOfPerson({ userId, tenant }) }
      const code = { caller: localPrincipal, origin: { type: "code" } } as const
      return (await tools()).callUntilAborted({ ...call, ...code, ...owner, input, timeoutMs }, signal)
    },
    async outcome(run, { timeoutMs = defaultOutcomeMs, signal = noSignal() } = {}) {
      return (await tools()).outcome(run, { timeoutMs, signal })
    },
  }
}

function noSignal(): AbortSignal {
  return new AbortController().signal
}

import { callBounded } from "../core/call-bounded.ts"
import { StoreUnavailableError } from "../core/errors.ts"
import type { Grant } from "../core/ports/approvals.ts"
import type { Gate, GatedCall, Verdict } from "../core/ports/gate.ts"
import type { Logger } from "../core/ports/logger.ts"
import type { ApprovalPolicy, InterceptedCall, Interception, Interceptor } from "./interceptor.ts"

export interface GateOptions {
  readonly interceptors: readonly Interceptor[]
  /** For tools that have no `approval` of their own. */
  readonly needsApproval: ApprovalPolicy
  /** What is granted in the session at this moment. */
  readonly grants: (sessionId: string) => Promise<readonly Grant[]>
  /** Milliseconds that an interceptor or a policy may take for one call. */
  readonly callbackTimeoutMs: number
  readonly logger: Logger
}

/** Asks the interceptors, then the tool's or the application's policy, then the session's grants. */
export function createGate(options: GateOptions): Gate {
  return {
    async decide(call) {
      const decisions: Verdict["decisions"][number][] = []
      let qualifier: string | null = null
      try {
        qualifier = call.tool.qualifier?.(call.input) ?? null
        const intercepted = await intercept(options, interceptedCall(call, qualifier), decisions)
        if (intercepted.action === "deny") return { ...intercepted, qualifier, decisions }
        const asks =
          !call.approved && (intercepted.action === "ask" || (await policyAsks(options, call, qualifier)))
        if (!asks || isGranted(await options.grants(call.session.id), call.tool.name, qualifier)) {
          return { action: "execute", qualifier, code: null, reason: null, decisions }
        }
        return { action: "ask", qualifier, code: intercepted.code, reason: intercepted.reason, decisions }
      } catch (error) {
        call.signal.throwIfAborted()
        if (error instanceof StoreUnavailableError) throw error
        const { tool, session, runId } = call
        options.logger.error(
          { error, tool: tool.name, sessionId: session.id, runId },
          "A policy failed, so the call was denied.",
        )
        const failure = { code: "policy_failed", reason: "The policy for this call failed, so it is denied." }
        const decision = { action: "deny", code: failure.code, message: failure.reason } as const
        return { action: "deny", qualifier, ...failure, decisions: [...decisions, decision] }
      }
    },
  }
}

/** Returns the first denial, else the first wish to ask. Notes every decision but a plain `allow`. */
async function intercept(
  { interceptors, callbackTimeoutMs: timeoutMs }: GateOptions,
  call: InterceptedCall,
  decisions: Verdict["decisions"][number][],
): Promise<{
  readonly action: "execute" | "ask" | "deny"
  readonly code: string | null
  readonly reason: string | null
}> {
  let asking: Interception | null = null
  for (const interceptor of interceptors) {
    const bounds = { name: "An interceptor", signal: call.signal, timeoutMs }
    const said = await callBounded((signal) => interceptor({ ...call, signal }), bounds)
    const { action, code = null, message = null } = said
    switch (action) {
      case "allow":
        break
      case "warn":
        decisions.push({ action, code, message })
        break
      case "ask":
        decisions.push({ action, code, message })
        asking ??= said
        break
      case "deny":
        decisions.push({ action, code, message })
        return { action, code, reason: message }
      default:
        action satisfies never
        throw new TypeError(`An interceptor answered with an unknown action: ${JSON.stringify(action)}.`)
    }
  }
  if (asking === null) return { action: "execute", code: null, reason: null }
  return { action: "ask", code: asking.code ?? null, reason: asking.message ?? null }
}

function interceptedCall(call: GatedCall, qualifier: string | null): InterceptedCall {
  const { tool, input, toolCallId, runId, session, channel, context, approved, signal } = call
  const of = { toolName: tool.name, input, qualifier, toolCallId, runId, session }
  return { ...of, channel, context, approved, signal }
}

async function policyAsks(
  { needsApproval, callbackTimeoutMs: timeoutMs }: GateOptions,
  { tool: { approval, name }, input, signal }: GatedCall,
  qualifier: string | null,
): Promise<boolean> {
  if (typeof approval === "boolean") return approval
  if (approval === undefined) {
    const bounds = { name: "needsApproval", signal, timeoutMs }
    return callBounded((stop) => needsApproval(name, input, qualifier, { signal: stop }), bounds)
  }
  const bounds = { name: `The approval policy of the tool ${name}`, signal, timeoutMs }
  return callBounded((stop) => approval(input, { signal: stop }), bounds)
}

/** Whether one of them is for this tool type. */
export function isGranted(grants: readonly Grant[], toolName: string, qualifier: string | null): boolean {
  return grants.some((grant) => grant.toolName === toolName && grant.qualifier === qualifier)
}

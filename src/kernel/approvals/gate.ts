import { StoreUnavailableError } from "../../core/errors.ts"
import { mayDecide } from "../../core/log/decider.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { Grant, ToolType } from "../../core/ports/store/approvals.ts"
import type { Gate, GatedCall, Verdict } from "../../core/ports/tools/gate.ts"
import type {
  ApprovalPolicy,
  InterceptedCall,
  Interception,
  Interceptor,
} from "../../core/ports/tools/interceptor.ts"
import { callBounded } from "../../core/time/call-bounded.ts"
import { isSameOrigin, resolveOrigin } from "../../core/tools/tool-origin.ts"
import type { Approver } from "../../core/wait.ts"

export interface GateOptions {
  readonly interceptors: readonly Interceptor[]
  /** The policy for tools without a `needsApproval` of their own. */
  readonly needsApproval: ApprovalPolicy
  /** The people who may decide about tools without an `approvalsBy` of their own. */
  readonly approvalsBy: Approver
  /** Returns the current grants of the session. */
  readonly grants: (sessionId: string) => Promise<readonly Grant[]>
  /** Maximum milliseconds of an interceptor or a policy for one call. */
  readonly callbackTimeoutMs: number
  readonly logger: Logger
}

/**
 * Creates the gate. It asks the interceptors, then the policy of the tool or the application, then the session's
 * grants.
 */
export function createGate(options: GateOptions): Gate {
  return {
    async decide(call) {
      const decisions: Verdict["decisions"][number][] = []
      let qualifier: string | null = null
      const { name: toolName } = call.tool
      try {
        qualifier = call.tool.qualifier?.(call.validated) ?? null
        const type = { toolName, qualifier, origin: resolveOrigin(call.tool, call.input) }
        const intercepted = await intercept(options, toInterceptedCall(call, type), decisions)
        if (intercepted.action === "deny") return { ...intercepted, qualifier, decisions }
        const asks =
          !call.approved && (intercepted.action === "ask" || (await askPolicy(options, call, type)))
        const approver = call.tool.approvalsBy ?? options.approvalsBy
        if (!asks || isGranted(await options.grants(call.session.id), type, approver)) {
          return { action: "execute", qualifier, code: null, reason: null, decisions }
        }
        return { action: "ask", qualifier, code: intercepted.code, reason: intercepted.reason, decisions }
      } catch (error) {
        call.signal.throwIfAborted()
        if (error instanceof StoreUnavailableError) throw error
        const { tool, session, runId } = call
        options.logger.error(
          { error, tool: tool.name, sessionId: session.id, runId },
          "An approval policy or an interceptor failed, so the call was denied.",
        )
        const failure = {
          code: "policy_failed",
          reason: "The approval policy for this call failed, so the call is denied.",
        }
        const decision = { action: "deny", code: failure.code, message: failure.reason } as const
        return { action: "deny", qualifier, ...failure, decisions: [...decisions, decision] }
      }
    },
  }
}

/** Returns the first denial, otherwise the first decision to ask. Records every decision except a plain `allow`. */
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
        throw new TypeError(`An interceptor returned an unknown action: ${JSON.stringify(action)}.`)
    }
  }
  if (asking === null) return { action: "execute", code: null, reason: null }
  return { action: "ask", code: asking.code ?? null, reason: asking.message ?? null }
}

function toInterceptedCall(call: GatedCall, type: ToolType): InterceptedCall {
  const { input, toolCallId, runId, session, channel, context, approved, signal } = call
  return { ...type, input, toolCallId, runId, session, channel, context, approved, signal }
}

async function askPolicy(
  { needsApproval, callbackTimeoutMs: timeoutMs }: GateOptions,
  { tool: { needsApproval: toolPolicy, name, plainName }, input, validated, signal }: GatedCall,
  { qualifier, origin }: ToolType,
): Promise<boolean> {
  if (typeof toolPolicy === "boolean") return toolPolicy
  if (toolPolicy !== undefined) {
    const bounds = { name: `needsApproval of the tool ${name}`, signal, timeoutMs }
    return callBounded((stop) => toolPolicy({ input: validated, signal: stop }), bounds)
  }
  const bounds = { name: "needsApproval", signal, timeoutMs }
  const asksAbout = (toolName: string) =>
    callBounded((stop) => needsApproval({ toolName, input, qualifier, origin, signal: stop }), bounds)
  // A second server with a tool of the same name must not exempt this tool from a policy for its plain name.
  return (await asksAbout(name)) || (plainName !== undefined && asksAbout(plainName))
}

/** Returns true if one of the grants is for this tool type, and comes from someone who may decide about it. */
export function isGranted(
  grants: readonly Grant[],
  { toolName, qualifier, origin }: ToolType,
  approver: Approver,
): boolean {
  return grants.some(
    (grant) =>
      grant.toolName === toolName &&
      grant.qualifier === qualifier &&
      isSameOrigin(grant.origin, origin) &&
      mayDecide(approver, grant.grantedBy),
  )
}

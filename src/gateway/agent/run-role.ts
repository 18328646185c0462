import { providerNames } from "../../adapters/providers/choose/named-provider.ts"
import type { Interceptor } from "../../core/ports/tools/interceptor.ts"
import type { Tool } from "../../core/ports/tools/tool.ts"
import type { RunRole } from "../../core/runs/run-role.ts"
import { isWithin, mayName } from "../../core/tools/tool-limits.ts"
import type { ResolvedModelRuntime } from "../options/runtime-options.ts"

/** Returns the agent's runtime for a sub-agent with this role. */
export function applyRole(chat: ResolvedModelRuntime, role: RunRole | null): ResolvedModelRuntime {
  if (role === null) return chat
  const { model: ownModel, ...others } = chat
  const provider = providerNames.find((name) => name === role.provider)
  // The agent's model exists only at the agent's own provider.
  const model = role.model ?? (provider === undefined ? ownModel : undefined)
  return {
    ...others,
    systemPrompt: role.systemPrompt ?? chat.systemPrompt,
    ...(provider !== undefined && { provider }),
    ...(model !== undefined && { model }),
  }
}

/** Returns the tools of the role. Returns the same array while they are unchanged. */
export function selectRoleTools(role: RunRole | null, tools: () => readonly Tool[]): () => readonly Tool[] {
  if (role === null) return tools
  let all: readonly Tool[] = []
  let offered: readonly Tool[] = []
  return () => {
    const current = tools()
    if (current !== all) {
      all = current
      offered = current.filter((tool) => hasTool(role, tool))
    }
    return offered
  }
}

/** Returns interceptors that refuse calls outside the limits of the role. */
export function createRoleInterceptors(role: RunRole | null): readonly Interceptor[] {
  if (role === null) return []
  const { name, mcpServers, toolLimits = [] } = role
  return [
    (call) => {
      const isOfServer = call.origin === null || (mcpServers?.includes(call.origin.server) ?? true)
      if (isOfServer && toolLimits.every((limits) => isWithin(limits, call))) return { action: "allow" }
      return {
        action: "deny",
        code: "not_allowed_for_sub_agent",
        message:
          `The sub-agent ${JSON.stringify(name)} may not make this call of the tool ${JSON.stringify(call.toolName)}, ` +
          "so it did not run. Continue without it, and say in your response what you could not do.",
      }
    },
  ]
}

function hasTool({ mcpServers, toolLimits = [] }: RunRole, { name, origin }: Tool): boolean {
  // The origin of some tools depends on the input. The interceptor decides about their calls.
  const known = typeof origin === "object" ? origin : null
  if (known !== null && mcpServers !== undefined && !mcpServers.includes(known.server)) return false
  return toolLimits.every((limits) => mayName(limits, { toolName: name, origin: known }))
}

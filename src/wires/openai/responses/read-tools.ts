import type { ToolSpecification } from "../../../core/ports/model/provider.ts"
import { createInvalidBody } from "../../../http/problem.ts"
import type { ServedAgent } from "../../../http/served-agents.ts"
import { toClientTool } from "../tools.ts"
import type { GivenTool } from "./schemas.ts"

/**
 * Returns the functions that a client declares. A client may also name the servers under which the gateway reports the
 * agent's own calls, because some clients show the approvals of known servers only. Throws a 422 problem for another
 * server.
 */
export function readTools(
  tools: readonly GivenTool[],
  { name, toolSources }: Pick<ServedAgent, "name" | "toolSources">,
): readonly ToolSpecification[] {
  const labels = [name, ...(toolSources?.() ?? []).map((source) => source.name)]
  return tools.flatMap((tool, index) => {
    if (tool.type === "function") return toClientTool(tool)
    if (labels.includes(tool.server_label)) return []
    const message = `No tools of the agent have this label. Those without a server have the label ${name}.`
    throw createInvalidBody([{ path: `tools.${index}.server_label`, message }])
  })
}

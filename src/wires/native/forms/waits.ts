import type { Wait } from "../../../core/ports/store/approvals.ts"
import type { WaitsResponse } from "../schemas/waits.ts"
import { toUnixSeconds } from "./content.ts"
import { selectSubAgentId, toWirePending } from "./history.ts"

type WireWait = WaitsResponse["waits"][number]

/** Writes open waits in their order. Waits that a client can answer have the same fields as in the history. */
export function toWireWaits(waits: readonly Wait[]): WaitsResponse {
  return { waits: waits.flatMap(toWireWait) }
}

function toWireWait(wait: Wait): WireWait[] {
  const wait_id = wait.waitId
  switch (wait.kind) {
    case "approval":
      return toWirePending([wait]).pending_approvals.map((pending) => ({
        kind: "approval",
        wait_id,
        ...pending,
      }))
    case "clientTool":
      return toWirePending([wait]).pending_tool_calls.map((pending) => {
        return { kind: "client_tool", wait_id, ...pending }
      })
    case "elicitation":
      return toWirePending([wait]).pending_elicitations.map((pending) => {
        return { kind: "elicitation", wait_id, ...pending }
      })
    case "child": {
      const { agent, role = agent, sessionId } = wait.payload
      return [{ kind: "child", ...selectOwnFacts(wait), child_id: sessionId, agent_name: role }]
    }
    case "timer":
      return [{ kind: "timer", ...selectOwnFacts(wait) }]
    default:
      return wait satisfies never
  }
}

/** Returns the fields of a wait that no client answers. */
function selectOwnFacts(wait: Wait) {
  const { waitId, toolCallId, toolName, expiresAt } = wait
  const call = { wait_id: waitId, tool_call_id: toolCallId, tool_name: toolName }
  return { ...call, expires_at: toUnixSeconds(expiresAt), ...selectSubAgentId(wait) }
}

import type { Wait } from "../../core/ports/approvals.ts"
import type { WaitsResponse } from "../schemas/waits.ts"
import { unixSeconds } from "./content.ts"
import { pendingOf } from "./history.ts"

type WireWait = WaitsResponse["waits"][number]

/** Writes open waits in their order. Those that a client can answer have the fields that the history has for their kind. */
export function wireWaits(waits: readonly Wait[]): WaitsResponse {
  return { waits: waits.flatMap(wireWait) }
}

function wireWait(wait: Wait): WireWait[] {
  const wait_id = wait.waitId
  switch (wait.kind) {
    case "approval":
      return pendingOf([wait]).pending_approvals.map((pending) => ({ kind: "approval", wait_id, ...pending }))
    case "clientTool":
      return pendingOf([wait]).pending_tool_calls.map((pending) => {
        return { kind: "client_tool", wait_id, ...pending }
      })
    case "elicitation":
      return pendingOf([wait]).pending_elicitations.map((pending) => {
        return { kind: "elicitation", wait_id, ...pending }
      })
    case "child":
    case "timer": {
      const { kind, toolCallId, toolName, expiresAt } = wait
      const expires_at = unixSeconds(expiresAt)
      return [{ kind, wait_id, tool_call_id: toolCallId, tool_name: toolName, expires_at }]
    }
    default:
      return wait satisfies never
  }
}

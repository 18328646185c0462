import type { Wait } from "../../core/ports/approvals.ts"
import type { WaitsResponse } from "../schemas/waits.ts"
import { pendingOf } from "./history.ts"

/** Writes open waits in their order, each in the form that the history has for its kind. */
export function wireWaits(waits: readonly Wait[]): WaitsResponse {
  return { waits: waits.flatMap(wireWait) }
}

function wireWait(wait: Wait): WaitsResponse["waits"] {
  const { pending_approvals, pending_tool_calls, pending_elicitations } = pendingOf([wait])
  return [
    ...pending_approvals.map((pending) => ({ kind: "approval", ...pending }) as const),
    ...pending_tool_calls.map((pending) => ({ kind: "client_tool", ...pending }) as const),
    ...pending_elicitations.map((pending) => ({ kind: "elicitation", ...pending }) as const),
  ]
}

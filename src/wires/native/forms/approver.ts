import type { ApprovalPayload } from "../../../core/wait.ts"

export interface WireApprover {
  readonly nonce: string
  readonly approvals_by?: "operator"
}

/** Returns the nonce of an approval, which is empty if no client may answer it. */
export function toWireApprover({
  nonce,
  payload,
}: {
  readonly nonce: string
  readonly payload: ApprovalPayload
}): WireApprover {
  return payload.approvalsBy === "operator" ? { nonce: "", approvals_by: "operator" } : { nonce }
}

import type { ViewWait } from "ai-agent-gateway/client/view"
import { call, type Page } from "../api.ts"
import type { OpenWait } from "../operate/operator-types.ts"
import { useFindsConversations, useScope } from "../operator-scopes.ts"
import { ApprovalForm, type ApprovalFormProps } from "../ui/approval-form.tsx"
import { JsonView } from "../ui/json-view.tsx"

type Approval = Extract<ViewWait, { readonly kind: "approval" }>

export interface OperatorApprovalProps extends Pick<ApprovalFormProps, "isSending" | "problem"> {
  readonly wait: Approval
  /** Session of the call. */
  readonly sessionId: string | null
  readonly onAnswer: (answer: () => Promise<void>) => void
}

/**
 * An approval that only operators may decide. The chat's own token cannot, so the form answers as the operator who is
 * signed in, if their key has the scope for it and is for all tenants.
 */
export function OperatorApproval({ wait, sessionId, onAnswer, ...state }: OperatorApprovalProps) {
  const hasScope = useScope("approve")
  const isFound = useFindsConversations()
  if (!hasScope || !isFound) {
    return (
      <section class="wait" aria-label={`Approval of ${wait.tool_name}`}>
        <p class="wait-title">
          <strong>{wait.tool_name}</strong> waits for another operator.
        </p>
        <JsonView label="Arguments" value={wait.tool_input} />
        <p class="hint">
          Only an operator may decide this call, and your operator key{" "}
          {hasScope
            ? "is for one tenant, to which conversations in the console do not belong."
            : "does not have the scope approve."}{" "}
          An operator of all tenants with the scope approve finds it under Approvals. The response continues
          here after their answer.
        </p>
      </section>
    )
  }
  return (
    <>
      <p class="hint">
        Only an operator may decide this call. Your answer counts as the operator's, and the audit trail has
        your name.
      </p>
      <ApprovalForm
        {...state}
        request={wait}
        loadSchema={async () => (await findOpenWait(sessionId, wait))?.answerSchema ?? null}
        onAnswer={({ approved, remember, input, reason }) =>
          onAnswer(async () => {
            const open = await findOpenWait(sessionId, wait)
            if (open === null) throw new Error("This approval was answered.")
            const { nonce, toolCallId } = open
            const body = { kind: "approval", sessionId: open.sessionId, toolCallId, nonce }
            await call("POST", "approvals", { body: { ...body, approved, remember, input, reason } })
          })
        }
      />
    </>
  )
}

/** Resolves to the stored wait, which has the nonce that clients do not receive. Null if it is answered. */
async function findOpenWait(sessionId: string | null, wait: Approval): Promise<OpenWait | null> {
  const { items } = await call<Page<OpenWait>>("GET", "approvals", { query: { sessionId } })
  return items.find(({ toolCallId }) => toolCallId === wait.tool_call_id) ?? null
}

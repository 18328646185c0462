import type { ViewWait } from "ai-agent-gateway/client/view"
import type { Agent } from "ai-agent-gateway/react"
import { useEffect, useState } from "preact/hooks"
import { call, type Page } from "../api.ts"
import { ApprovalForm } from "../ui/approval-form.tsx"
import { ClientToolForm } from "../ui/client-tool-form.tsx"
import { QuestionForm } from "../ui/question-form.tsx"
import { OperatorApproval } from "./operator-approval.tsx"

/** The open wait of the run, with a form to answer it. */
export function WaitPanel({ wait, agent }: { readonly wait: ViewWait; readonly agent: Agent }) {
  const [problem, setProblem] = useState<string | null>(null)
  const [isSending, setSending] = useState(false)
  useEffect(() => setProblem(null), [wait.nonce])

  const sendOnce = (answer: () => Promise<void>) => {
    setSending(true)
    setProblem(null)
    answer().then(
      () => setSending(false),
      (error: Error) => {
        setProblem(error.message)
        setSending(false)
      },
    )
  }
  const common = { isSending, problem }

  switch (wait.kind) {
    case "approval":
      if (wait.approvals_by === "operator")
        return (
          <OperatorApproval
            {...common}
            wait={wait}
            sessionId={wait.sub_agent_id ?? agent.chat.sessionId}
            onAnswer={sendOnce}
          />
        )
      return (
        <ApprovalForm
          {...common}
          request={wait}
          loadSchema={() => fetchSchema(agent.chat.sessionId, wait)}
          onAnswer={(approval) => sendOnce(() => agent.approve(wait, approval))}
        />
      )
    case "question":
      return (
        <QuestionForm
          {...common}
          request={wait}
          onAnswer={(content) => sendOnce(() => agent.answer(wait, content))}
          onDecline={(dismissed) => sendOnce(() => agent.decline(wait, { dismissed }))}
        />
      )
    case "clientTool":
      return (
        <ClientToolForm
          {...common}
          request={wait}
          onSubmit={(outcome) => sendOnce(() => agent.submit(wait, outcome))}
        />
      )
  }
}

interface OpenWait {
  readonly nonce: string
  readonly answerSchema: Readonly<Record<string, unknown>> | null
}

/** Resolves to the schema of the tool's arguments. The stream does not contain it, but the stored wait does. */
async function fetchSchema(sessionId: string | null, { nonce }: ViewWait) {
  const { items } = await call<Page<OpenWait>>("GET", "approvals", { query: { sessionId } })
  return items.find((wait) => wait.nonce === nonce)?.answerSchema ?? null
}

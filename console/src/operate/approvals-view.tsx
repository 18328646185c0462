import { useState } from "preact/hooks"
import { call, type Page } from "../api.ts"
import { formatHref } from "../router.ts"
import { ApprovalForm } from "../ui/approval-form.tsx"
import { ClientToolForm } from "../ui/client-tool-form.tsx"
import { formatTimeLeft } from "../ui/format.ts"
import { JsonView } from "../ui/json-view.tsx"
import { QuestionForm } from "../ui/question-form.tsx"
import { EmptyState } from "./empty-state.tsx"
import type { OpenWait } from "./operator-types.ts"
import { Age, PageHead, Pending } from "./page-parts.tsx"
import { useLoaded } from "./use-loaded.ts"

/** All pending approvals and questions of all sessions, oldest first. */
export function ApprovalsView() {
  const { data, problem, reload } = useLoaded<Page<OpenWait>>("approvals")
  return (
    <>
      <PageHead title="Approvals">
        {data !== null && data.items.length > 0 && <span class="tag">{data.items.length} open</span>}
      </PageHead>
      {data === null && <Pending problem={problem} />}
      {data?.items.length === 0 && (
        <EmptyState icon="inbox" title="Nothing waits for you">
          Calls that need an approval, questions of tools, and calls of client tools of all sessions appear
          here.
        </EmptyState>
      )}
      <div class="inbox">
        {data?.items.map((wait) => (
          <WaitCard key={wait.waitId} wait={wait} onAnswered={reload} />
        ))}
      </div>
    </>
  )
}

function WaitCard({ wait, onAnswered }: { readonly wait: OpenWait; readonly onAnswered: () => void }) {
  const [problem, setProblem] = useState<string | null>(null)
  const [isSending, setSending] = useState(false)
  const { sessionId, toolCallId, nonce, toolName, userId, runId, openedAt, expiresAt } = wait

  const send = (answer: Readonly<Record<string, unknown>>) => {
    setSending(true)
    setProblem(null)
    const target = { sessionId, toolCallId, nonce }
    call("POST", "approvals", { body: { ...target, ...answer } })
      .then(onAnswered, (error: Error) => setProblem(error.message))
      .finally(() => setSending(false))
  }
  const common = { isSending, problem }

  return (
    <article class="tool-card" aria-label={`${toolName} of ${userId}`}>
      <p class="inbox-head">
        <span class="tool-name">{toolName}</span>
        <span class="hint">
          {userId} · asked <Age at={openedAt} /> · expires in{" "}
          {formatTimeLeft(Math.max(expiresAt - Date.now(), 0))}
        </span>
        <a href={formatHref(["sessions", sessionId], { run: runId })}>Session</a>
      </p>
      {wait.kind === "approval" && (
        <ApprovalForm
          {...common}
          request={{
            ...{
              tool_name: toolName,
              tool_input: wait.payload.input,
              server: null,
              reason: wait.payload.reason,
            },
            ...{ resolved_qualifier: wait.payload.qualifier, expires_at: expiresAt / 1_000 },
          }}
          loadSchema={async () => wait.answerSchema}
          onAnswer={({ approved, remember, input, reason }) =>
            send({ kind: "approval", approved, remember, input, reason })
          }
        />
      )}
      {wait.kind === "elicitation" && (
        <QuestionForm
          {...common}
          request={{ ...wait.payload.question, tool_name: toolName, server: wait.payload.server }}
          onAnswer={(content) =>
            send({ kind: "elicitation", action: "accept", ...(content !== null && { content }) })
          }
          onDecline={(dismissed) => send({ kind: "elicitation", action: dismissed ? "cancel" : "decline" })}
        />
      )}
      {wait.kind === "clientTool" && (
        <>
          <div class="tool-body">
            <JsonView label="Input" value={wait.payload.input} />
          </div>
          <ClientToolForm
            {...common}
            request={{ tool_name: toolName }}
            onSubmit={(outcome) => send({ kind: "clientTool", ...outcome })}
          />
        </>
      )}
    </article>
  )
}

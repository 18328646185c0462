import type { Entry } from "../core/entries.ts"
import type { Wait } from "../core/ports/approvals.ts"
import type { RunResult, Sessions } from "../sessions/sessions.ts"
import type { ApprovalAnswer, GatewayRunResult, RunOptions } from "./gateway.ts"

/** Work that comes from code rather than from a client. */
const localPrincipal = { tenant: "local", userId: "local" }
const decidedBy = { via: "code", ...localPrincipal, address: null } as const

/** One message in a new session, followed to its end. */
export async function runOnce(
  sessions: Sessions,
  message: string,
  { signal, onText = () => undefined, onApproval = denyAll }: RunOptions,
): Promise<GatewayRunResult> {
  signal?.throwIfAborted()
  const session = await sessions.create(localPrincipal)
  const input = { type: "message", content: [{ type: "text", text: message }] } as const
  const accepted = await sessions.start({
    sessionId: session.id,
    input,
    context: {},
    channel: null,
    model: null,
    idempotency: null,
  })
  if (accepted.status !== "accepted")
    throw new Error(`A new session refused its first message: ${accepted.status}.`)
  const { runId, cursor } = accepted
  const cancel = () => sessions.cancel(session.id, runId)
  signal?.addEventListener("abort", cancel, { once: true })
  try {
    const print = textPrinter(onText)
    const view = sessions.view(session.id, { afterSeq: cursor, runId, signal: new AbortController().signal })
    for await (const batch of view) {
      for (const entry of batch) {
        print(entry)
        if (isQuestion(entry)) await answerAll(sessions, session.id, onApproval)
      }
    }
    return resultOf(session.id, await sessions.result(session.id, runId, {}))
  } finally {
    signal?.removeEventListener("abort", cancel)
  }
}

function denyAll(): ApprovalAnswer {
  return { approved: false, reason: "Nobody is there to ask." }
}

/** Gives the text of the model's messages, with a blank line between them. */
function textPrinter(onText: (text: string) => void): (entry: Entry) => void {
  let messageId: string | null = null
  return (entry) => {
    if (entry.kind !== "delta" || entry.delta.type !== "textDelta") return
    if (messageId !== null && messageId !== entry.delta.messageId) onText("\n\n")
    messageId = entry.delta.messageId
    onText(entry.delta.text)
  }
}

function isQuestion(entry: Entry): boolean {
  if (entry.kind !== "event") return false
  return entry.event.type === "approvalRequested" || entry.event.type === "clientToolOpened"
}

async function answerAll(
  sessions: Sessions,
  sessionId: string,
  onApproval: NonNullable<RunOptions["onApproval"]>,
): Promise<void> {
  for (const wait of await sessions.openWaits({ sessionId })) {
    const { toolCallId, nonce } = wait
    const answer = { sessionId, toolCallId, nonce, decidedBy }
    if (wait.kind === "clientTool") await sessions.submitResult({ ...answer, result: noClient(wait) })
    else await sessions.decide({ ...answer, ...(await onApproval(wait)) })
  }
}

function noClient({ toolName }: Wait) {
  return { type: "error", code: "no_client", message: `There is no client to execute ${toolName}.` } as const
}

function resultOf(sessionId: string, { runId, response, toolsUsed, outcome }: RunResult): GatewayRunResult {
  const common = { runId, sessionId, response, toolsUsed, usage: outcome.usage }
  if (outcome.type === "runFailed") {
    const { code, message } = outcome
    return { ...common, outcome: "failed", reason: null, error: { code, message } }
  }
  return { ...common, outcome: outcome.disposition, reason: outcome.reason, error: null }
}

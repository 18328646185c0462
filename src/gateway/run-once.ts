import type { RunResult, Sessions } from "../sessions/sessions.ts"
import type { GatewayRunResult, RunOptions } from "./gateway.ts"

/** Work that comes from code rather than from a client. */
const localPrincipal = { tenant: "local", userId: "local" }

export async function runOnce(
  sessions: Sessions,
  message: string,
  { signal, onText }: RunOptions,
): Promise<GatewayRunResult> {
  signal?.throwIfAborted()
  const session = await sessions.create(localPrincipal)
  const input = { type: "message", content: [{ type: "text", text: message }] } as const
  const outcome = await sessions.start({
    sessionId: session.id,
    input,
    context: {},
    channel: null,
    model: null,
    idempotency: null,
  })
  if (outcome.status !== "accepted")
    throw new Error(`A new session did not take its first message: ${outcome.status}.`)
  const { runId, cursor } = outcome
  const cancel = () => sessions.cancel(session.id, runId)
  signal?.addEventListener("abort", cancel, { once: true })
  try {
    if (onText !== undefined)
      await follow(sessions, { sessionId: session.id, runId, afterSeq: cursor }, onText)
    return resultOf(session.id, await sessions.result(session.id, runId, {}))
  } finally {
    signal?.removeEventListener("abort", cancel)
  }
}

async function follow(
  sessions: Sessions,
  {
    sessionId,
    runId,
    afterSeq,
  }: { readonly sessionId: string; readonly runId: string; readonly afterSeq: number },
  onText: (text: string) => void,
): Promise<void> {
  const { signal } = new AbortController()
  let messageId: string | null = null
  for await (const batch of sessions.view(sessionId, { afterSeq, runId, signal })) {
    for (const entry of batch) {
      if (entry.kind !== "delta" || entry.delta.type !== "textDelta") continue
      if (messageId !== null && messageId !== entry.delta.messageId) onText("\n\n")
      messageId = entry.delta.messageId
      onText(entry.delta.text)
    }
  }
}

function resultOf(sessionId: string, { runId, response, toolsUsed, outcome }: RunResult): GatewayRunResult {
  const common = { runId, sessionId, response, toolsUsed, usage: outcome.usage }
  if (outcome.type === "runFailed") {
    const { code, message } = outcome
    return { ...common, outcome: "failed", reason: null, error: { code, message } }
  }
  return { ...common, outcome: outcome.disposition, reason: outcome.reason, error: null }
}

import type { Verdict } from "../core/ports/gate.ts"
import type { NewWait } from "../core/ports/session-log.ts"
import type { Tool } from "../core/ports/tool.ts"
import type { Question } from "../core/question.ts"
import { originOf } from "../core/tool-origin.ts"
import type { CallState } from "./call-state.ts"
import type { ModelRunContext } from "./run-context.ts"

interface Asked {
  readonly kind: NewWait["kind"]
  readonly verdict?: Verdict
  readonly question?: Question
}

/** What a call waits for from now on, with a nonce and an end of its own. */
export function newWait(
  { clock, conversation, ids, runtime }: ModelRunContext,
  tool: Tool,
  call: CallState,
  { kind, verdict, question }: Asked,
): NewWait {
  const openedAt = clock.now()
  return {
    kind,
    nonce: ids.next("nonce"),
    toolCallId: call.requested.toolCallId,
    runId: conversation.run?.runId ?? "",
    toolName: tool.name,
    input: call.input,
    inputSchema: tool.inputSchema,
    qualifier: verdict?.qualifier ?? null,
    reason: verdict?.reason ?? null,
    origin: originOf(tool, call.input),
    ...(question !== undefined && { question }),
    openedAt,
    expiresAt: openedAt + runtime.approvalTimeoutMs,
  }
}

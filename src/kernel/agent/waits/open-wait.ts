import type { JsonObject } from "../../../core/json/json.ts"
import type { Event, WaitOpened } from "../../../core/log/entries.ts"
import type { ToolOrigin } from "../../../core/tools/tool-origin.ts"
import type { AnyPayload, ApprovalPayload, Approver, NewWait } from "../../../core/wait.ts"
import { type RunContext, record } from "../run-context.ts"

export interface Asked {
  readonly toolCallId: string
  readonly toolName: string
  readonly origin: ToolOrigin | null
  /** The kind and the payload of the wait. */
  readonly asks: AnyPayload
  readonly answerSchema: JsonObject | null
  readonly expiresAt: number
  readonly continuation?: JsonObject
  /** Default: a new id. */
  readonly waitId?: string
  /** Default: a new nonce. */
  readonly nonce?: string
}

export interface OpenedWait {
  readonly event: WaitOpened
  readonly wait: NewWait
}

/** Returns a new wait with its own id and nonce, and the event that opens it. Both belong into one commit. */
export function createWait(
  { clock, conversation, ids, rootSessionId }: RunContext,
  asked: Asked,
): OpenedWait {
  const { toolCallId, toolName, origin, asks, answerSchema, expiresAt, continuation = null } = asked
  const { nonce = ids.next("nonce"), waitId = ids.next("wait") } = asked
  const known = { waitId, toolCallId, toolName, nonce, expiresAt }
  const runId = conversation.run?.runId ?? ""
  const openedAt = clock.now()
  return {
    event: { type: "waitOpened", ...known, ...(origin !== null && { origin }), continuation, ...asks },
    wait: { ...known, runId, origin, answerSchema, openedAt, rootSessionId, ...asks },
  }
}

/** Returns the part of an approval's payload that names its approver. */
export function describeApprover(approver: Approver): Pick<ApprovalPayload, "approvalsBy"> {
  return approver === "operator" ? { approvalsBy: "operator" } : {}
}

/** Opens the wait in the same commit as the given events, after them. */
export async function openWait(
  context: Parameters<typeof record>[0],
  asked: Asked,
  after: readonly Event[] = [],
): Promise<void> {
  const { event, wait } = createWait(context, asked)
  await record(context, [...after, event], { open: [wait] })
}

import type { Wait, WaitKey } from "../../../core/ports/store/approvals.ts"
import type { NewWait } from "../../../core/wait.ts"
import { toFormerWaitId, type WaitKind } from "../../../core/wait.ts"
import { escapeText, type Row, readJson, readText, unescapeText } from "./columns.ts"
import { convertFormerWait, type FormerWait, toFormerWait } from "./former-waits.ts"

/**
 * Converts a wait's row, whose `body` is the wait as it was opened, joined with its session's `tenant` and `user_id`.
 */
export function toWait(row: Row): Wait {
  return {
    ...toNewWait(row),
    sessionId: readText(row, "session_id"),
    tenant: unescapeText(readText(row, "tenant")),
    userId: unescapeText(readText(row, "user_id")),
    state: toWaitState(readText(row, "state")),
  }
}

/** Converts a row with `session_id` and `body`: the wait as a process of any version opened it. */
export function toNewWait(row: Row): NewWait {
  const body = readJson<NewWait | FormerWait>(row, "body")
  return "payload" in body ? body : convertFormerWait(body, readText(row, "session_id"))
}

/** Returns the body of a wait's row in a form that processes of this version read. */
export function formatWaitBody(wait: NewWait, version: number): string {
  return JSON.stringify((version < 3 ? toFormerWait(wait) : null) ?? wait)
}

/**
 * The stored columns by which a wait is found. Rows of older versions have no id, and are found by the call and the
 * kind. Null for both means that no such row can match.
 */
export interface WaitColumns {
  readonly waitId: string | null
  readonly toolCallId: string | null
  readonly kind: string | null
}

export function toWaitColumns(key: WaitKey): WaitColumns {
  if (!("waitId" in key)) return { waitId: null, toolCallId: escapeText(key.toolCallId), kind: key.kind }
  const former = waitKinds.find((kind) => key.waitId.startsWith(toFormerWaitId(kind, "")))
  const toolCallId = former === undefined ? null : key.waitId.slice(toFormerWaitId(former, "").length)
  return {
    waitId: escapeText(key.waitId),
    toolCallId: toolCallId === null ? null : escapeText(toolCallId),
    kind: former ?? null,
  }
}

const waitKinds: readonly WaitKind[] = ["approval", "clientTool", "elicitation", "child", "timer"]

function toWaitState(state: string): Wait["state"] {
  switch (state) {
    case "open":
    case "answered":
    case "expired":
    case "withdrawn":
      return state
    default:
      throw new TypeError(`A wait cannot be ${state}.`)
  }
}

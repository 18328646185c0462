import type { Wait, WaitKey } from "../../../core/ports/store/approvals.ts"
import type { NewWait } from "../../../core/wait.ts"
import { escapeText, type Row, readJson, readText, unescapeText } from "./columns.ts"

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

/** Converts the `body` of a row: the wait as it was opened. */
export function toNewWait(row: Row): NewWait {
  return readJson<NewWait>(row, "body")
}

/** The stored columns by which a wait is found: its id, or its call and its kind. */
export interface WaitColumns {
  readonly waitId: string | null
  readonly toolCallId: string | null
  readonly kind: string | null
}

export function toWaitColumns(key: WaitKey): WaitColumns {
  return "waitId" in key
    ? { waitId: escapeText(key.waitId), toolCallId: null, kind: null }
    : { waitId: null, toolCallId: escapeText(key.toolCallId), kind: key.kind }
}

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

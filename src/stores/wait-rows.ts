import { createHash, timingSafeEqual } from "node:crypto"
import type { Wait } from "../core/ports/approvals.ts"
import type { AnswerCommand, AnswerOutcome, NewWait } from "../core/ports/session-log.ts"
import type { ToolOrigin } from "../core/tool-origin.ts"
import { json, type Row, text, unescapeText } from "./columns.ts"

/** From a wait's row, whose `body` is the wait as it was opened, joined with its session's `tenant` and `user_id`. */
export function toWait(row: Row): Wait {
  return {
    ...toNewWait(row),
    sessionId: text(row, "session_id"),
    tenant: unescapeText(text(row, "tenant")),
    userId: unescapeText(text(row, "user_id")),
    state: toWaitState(text(row, "state")),
  }
}

/** Parses a row's `body`: the wait as it was opened. */
export function toNewWait(row: Row): NewWait {
  const { server, ...wait } = json<NewWait & { readonly server?: string }>(row, "body")
  return wait.origin === undefined ? { ...wait, origin: unverified(server) } : wait
}

/** Older versions stored the server's name alone. The origin that is made of it equals that of no tool. */
function unverified(server: string | undefined): ToolOrigin | null {
  return server === undefined ? null : { server, tool: "", identity: "", digest: "" }
}

/** The kind of wait that such a command answers. */
export function kindAnswered(command: AnswerCommand): Wait["kind"] {
  switch (command.type) {
    case "approval":
      return "approval"
    case "toolResult":
      return "clientTool"
    case "elicitation":
      return "elicitation"
    default:
      return command satisfies never
  }
}

/** Why the wait does not take the answer, null if it does. Looked at in the order that the port promises. */
export function refusal(
  wait: Wait,
  command: AnswerCommand,
  { cancelled }: { readonly cancelled: boolean },
): Exclude<AnswerOutcome, { runId: string }> | null {
  if (wait.state === "answered") return { status: "answered" }
  if (wait.state !== "open" || wait.expiresAt <= command.at || cancelled) return { status: "expired" }
  if (!isSame(wait.nonce, command.nonce)) return { status: "wrongNonce" }
  return null
}

/** Takes as long whatever the texts have in common. */
function isSame(known: string, given: string): boolean {
  const [first, second] = [known, given].map((nonce) => createHash("sha256").update(nonce).digest())
  return first !== undefined && second !== undefined && timingSafeEqual(first, second)
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

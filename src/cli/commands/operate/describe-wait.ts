import type { OperationOutput } from "../../../operations/operations.ts"
import { formatAsLine } from "../../cli-error.ts"
import { formatTime } from "./describe-items.ts"

/** An open wait that a person can answer. */
export type OpenWait = OperationOutput<"approvals.list">["items"][number]

/** Maximum characters of a call's arguments. `--json` prints all of them. */
const maxInputCharacters = 100_000

export function describeWait(wait: OpenWait): string {
  const { toolCallId, toolName, userId, sessionId, expiresAt } = wait
  const qualifier = wait.kind === "approval" ? wait.payload.qualifier : null
  const type = formatAsLine(qualifier === null ? toolName : `${toolName} (${qualifier})`)
  return [
    `${toolCallId}  ${type}`,
    `  kind     ${wait.kind}`,
    ...listDetails(wait),
    `  nonce    ${wait.nonce}`,
    `  user     ${formatAsLine(userId)}, session ${sessionId}`,
    `  expires  ${formatTime(expiresAt)}`,
  ].join("\n")
}

function listDetails(wait: OpenWait): readonly string[] {
  const server = wait.origin === null ? [] : [`  server   ${formatAsLine(wait.origin.server)}`]
  switch (wait.kind) {
    case "approval": {
      const { input, reason } = wait.payload
      const why = reason === null ? [] : [`  why      ${formatAsLine(reason)}`]
      return [formatInput(input), ...why, ...server]
    }
    case "elicitation": {
      const { question } = wait.payload
      const [label, wanted] =
        question.mode === "form" ? ["schema", JSON.stringify(question.schema)] : ["page  ", question.url]
      return [
        ...server,
        `  asks     ${formatAsLine(question.message)}`,
        `  ${label}   ${formatAsLine(wanted)}`,
      ]
    }
    case "clientTool":
      return [formatInput(wait.payload.input), ...server]
    default:
      return wait satisfies never
  }
}

function formatInput(input: object): string {
  return `  input    ${formatAsLine(JSON.stringify(input), maxInputCharacters)}`
}

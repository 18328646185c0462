import type { OperationOutput } from "../../../operations/operations.ts"
import type { CliContext, TextStyle } from "../../cli-context.ts"
import { formatAsLine } from "../../cli-error.ts"
import { type Cell, printTable } from "../../output/table.ts"
import { formatTime } from "./describe-items.ts"

type Session = OperationOutput<"sessions.list">["items"][number]

const stateStyles: Partial<Record<Session["state"], TextStyle>> = {
  running: "green",
  waiting: "yellow",
  unserved: "red",
}

export function printSessions({ items }: OperationOutput<"sessions.list">, { stdout }: CliContext): void {
  printTable(stdout, items.map(toRow))
  if (items.length === 0) stdout.write("No session matches.\n")
}

function toRow({ id, state, agent, tenant, userId, lastUsedAt }: Session): readonly Cell[] {
  const style = stateStyles[state]
  const shownState = style === undefined ? state : { text: state, style }
  return [id, shownState, agent, `${tenant}/${userId}`, `used ${formatTime(lastUsedAt)}`]
}

export function describeSession({
  session,
  runs,
  children,
  request,
}: OperationOutput<"sessions.show">): string {
  const { parent, revokedAt } = session
  const facts = [
    ["agent", formatAsLine(session.agent)],
    ["state", session.state],
    ["user", `${formatAsLine(session.userId)}, tenant ${formatAsLine(session.tenant)}`],
    ["created", formatTime(session.createdAt)],
    ["used", formatTime(session.lastUsedAt)],
    ...(revokedAt === null ? [] : [["revoked", formatTime(revokedAt)]]),
    ...(parent === null
      ? []
      : [
          ["parent", `${formatAsLine(parent.sessionId)}, run ${formatAsLine(parent.runId)}`],
          ["root", formatAsLine(session.rootId)],
        ]),
    ["stored", `${session.storedBytes} bytes`],
    ...runs.map(({ id, state, createdAt }) => [
      "run",
      `${formatAsLine(id)}  ${state.padEnd(11)}  ${formatTime(createdAt)}`,
    ]),
    ...children.map(({ id, state, agent }) => [
      "started",
      `${formatAsLine(id)}  ${state.padEnd(11)}  ${formatAsLine(agent)}`,
    ]),
  ]
  const lines = facts.map(([name = "", value = ""]) => `  ${name.padEnd(8)} ${value}`)
  const shownRequest = request === undefined ? [] : [JSON.stringify(request, null, 2)]
  return [formatAsLine(session.id), ...lines, ...shownRequest].join("\n")
}

import type { OperationOutput } from "../../../operations/operations.ts"
import { formatAsLine } from "../../cli-error.ts"

type Item<Name extends "schedules.list" | "memory.list" | "outbox.list"> =
  OperationOutput<Name>["items"][number]

export function describeSchedule(schedule: Item<"schedules.list">): string {
  const { id, name, agent, origin, tenant, userId, state, reason, spec, nextAt, waiting, isRunning } =
    schedule
  const times = {
    cron: spec.cron === undefined ? undefined : `${spec.cron} (${spec.timezone})`,
    every: spec.every === undefined ? undefined : `every ${spec.every}`,
    at: spec.at === undefined ? undefined : `at ${formatTime(spec.at)}`,
  }
  const now = [isRunning ? "running" : null, waiting.length === 0 ? null : `${waiting.length} waiting`]
  const details = [reason, ...now].filter((part) => part !== null)
  const lines = [
    `${id}  ${formatAsLine(name)}  ${state}${details.length === 0 ? "" : ` (${details.join(", ")})`}`,
    `  agent    ${formatAsLine(agent)}`,
    `  owner    ${formatAsLine(tenant)} ${formatAsLine(userId)}, made by ${origin}`,
    `  time     ${formatAsLine(times.cron ?? times.every ?? times.at ?? "")}`,
    `  next     ${nextAt === null ? "none" : formatTime(nextAt)}`,
  ]
  if (spec.message !== undefined) lines.push(`  message  ${formatAsLine(spec.message.slice(0, 200))}`)
  return lines.join("\n")
}

export function describeOccurrence(occurrence: OperationOutput<"schedules.run">): string {
  const { at, cause, outcome, reason, sessionId, runId } = occurrence
  const effect = outcome === "started" ? `${sessionId} ${runId}` : (reason ?? "")
  return `${formatTime(at)}  ${cause === "manual" ? "run manually, " : ""}${outcome}  ${effect}`
}

export function describeRow(row: Item<"outbox.list">): string {
  const { number, id, kind, state, attempts, lastError, sessionId, createdAt, dueAt, preview, bytes } = row
  const lines = [
    `${number}  ${formatAsLine(kind)}  ${state}`,
    `  id       ${formatAsLine(id)}`,
    `  session  ${formatAsLine(sessionId)}`,
    `  created  ${formatTime(createdAt)}`,
    `  attempts ${attempts}${dueAt === null ? "" : `, next ${formatTime(dueAt)}`}`,
    `  payload  ${preview === undefined ? "" : `${formatAsLine(preview)} `}(${bytes} bytes)`,
  ]
  if (typeof lastError === "string") lines.push(`  error    ${formatAsLine(lastError)}`)
  return lines.join("\n")
}

export function describeMemory({ entityType, name, content, tags, updatedAt }: Item<"memory.list">): string {
  const facts = [formatTime(updatedAt), ...tags.map((tag) => `#${formatAsLine(tag)}`)]
  return `${formatAsLine(entityType)}/${formatAsLine(name)}  ${facts.join(" ")}\n  ${formatAsLine(content)}`
}

export function formatTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

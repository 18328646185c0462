import type { OperationName, OperationOutput } from "../../../src/operations/operations.ts"

/** The names of operations that list something. */
type ListName = {
  [Name in OperationName]: OperationOutput<Name> extends { readonly items: readonly unknown[] } ? Name : never
}[OperationName]

/** Items of the lists. Times are in milliseconds since the Unix epoch. */
type Listed<Name extends ListName> = OperationOutput<Name>["items"][number]

export type SessionDetail = OperationOutput<"sessions.show">
export type ListedSession = Listed<"sessions.list">
export type ListedRun = Listed<"runs.list">
export type EventEntry = Listed<"sessions.events">
export type KeptAttempt = Listed<"sessions.attempts">
export type ShownAttempt = OperationOutput<"sessions.attempt">
export type OpenWait = Listed<"approvals.list">
export type OutboxRow = Listed<"outbox.list">
export type Status = OperationOutput<"gateway.status">
export type ListedSchedule = Listed<"schedules.list">
export type ScheduleDetail = OperationOutput<"schedules.show">
export type Occurrence = ScheduleDetail["history"][number]
export type MemoryOwner = Listed<"memory.owners">
export type MemoryRecord = Listed<"memory.list">
export type ToolSource = Listed<"toolSources.list">
export type SandboxState = Listed<"sandbox.list">
export type SandboxBackend = SandboxState["backends"][number]
export type SandboxLimit = SandboxState["limits"][number]
export type SessionSandbox = Listed<"sandbox.sessions">

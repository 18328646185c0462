import type { Json } from "../core/json/json.ts"
import type { EventEntry } from "../core/log/entries.ts"
import type { Readiness } from "../core/ports/readiness.ts"
import type { Directory } from "../core/ports/store/directory.ts"
import type { Principal } from "../core/ports/store/session-log.ts"
import type { Decisions } from "../kernel/sessions/answering/decisions.ts"
import type { Sessions } from "../kernel/sessions/sessions.ts"
import type { OperatedAttempts } from "./attempts.ts"
import type { Costs } from "./costs.ts"
import type { OperatedMemory } from "./memory.ts"
import type { OperatedOutbox } from "./outbox.ts"
import type { OperatedSandbox } from "./sandbox.ts"
import type { GatewaySchedules } from "./schedules.ts"
import type { GatewayInfo, OperatedToolSource } from "./status.ts"
import type { FindTitles } from "./titles.ts"
import type { OperatedTools } from "./tools.ts"

/** The parts of a gateway that the operations use. */
export interface OperationParts {
  readonly directory: Pick<Directory, "sessions" | "session" | "runs" | "run">
  readonly sessions: Pick<Sessions, "session" | "revoke" | "cancel" | keyof Decisions>
  readonly titles: FindTitles
  readonly costs: Costs
  /** Returns one page of a session's events after a sequence number, with secrets masked. */
  readonly readEvents: (sessionId: string, afterSeq: number, limit?: number) => Promise<readonly EventEntry[]>
  readonly schedules: GatewaySchedules
  readonly attempts: () => Promise<OperatedAttempts>
  /** Throws a `ConfigurationError` if the store has no memories. */
  readonly memory: () => OperatedMemory
  /** Removes the kept requests of a user's sessions, which contain memories. */
  readonly forgetRequests: (owner: Principal) => Promise<void>
  readonly outbox: OperatedOutbox
  /** Throws a `ConfigurationError` without a running gateway. */
  readonly tools: () => OperatedTools
  readonly toolSources: () => readonly OperatedToolSource[]
  readonly sandboxes: () => readonly OperatedSandbox[]
  readonly info: () => GatewayInfo
  /** Returns the readiness, for an operator with reasons and links. */
  readonly readiness: (forOperator: boolean) => Promise<Readiness>
  /** Returns the options in force, with secrets masked. */
  readonly configuration: () => Json
}

import type { Message } from "../history/messages.ts"
import type { TaskState } from "../runs/background-task.ts"
import type { Spending } from "../usage.ts"

/** The client's own conversation differed from the log. It replaces everything before this event. */
export interface HistoryReplaced {
  readonly type: "historyReplaced"
  readonly messages: readonly Message[]
  /** Spending of the session before this event, so that a fold can start here. Absent in older logs. */
  readonly spent?: Spending
  /** Background tasks whose outcome the model had not received before this event. Absent if there were none. */
  readonly tasks?: readonly TaskState[]
}

/**
 * The run that starts next takes the place of an earlier run and of everything after it (rule 20, superseding). The
 * `runStarted` in the same commit has the ranges that a fold for a model skips from here on.
 */
export interface HistoryForked {
  readonly type: "historyForked"
  /** `edit`: the message is another one. `retry`: it is the message of the superseded run. */
  readonly reason: "edit" | "retry"
  readonly supersededRunId: string
  /** Sequence number of the first event that is superseded: the conversation continues as it was before it. */
  readonly fromSeq: number
  /** Spending of the session before this event. It includes that of superseded runs. */
  readonly spent: Spending
  /** Running background tasks that superseded runs started. They are canceled. Absent if there are none. */
  readonly tasks?: readonly TaskState[]
}

import type { ChildOutcome } from "../child.ts"
import type { JsonObject } from "../json/json.ts"
import type { ContentPart } from "../messages.ts"
import type { CancelCommand, Command, Lease, MessageCommand, PutOutcome, Session } from "./session-log.ts"

/** An accepted message whose run no process has opened yet. */
export interface QueuedRun {
  readonly runId: string
  /** 1 for the run that is opened next. */
  readonly position: number
  /** The run is not opened before this time, in milliseconds since the Unix epoch; 0 if it may be at once. */
  readonly notBefore: number
}

/**
 * Decides over a message for a session that has an open run, or a queued run that is due: `reject` refuses it,
 * `queue` runs it after those, `interrupt` cancels the open run and runs it next, `steer` adds it to the open run. A
 * run that cannot be steered, such as that of a foreign runner, and a steering message without an open run make
 * `steer` a `queue`.
 */
export type WhenBusy = "reject" | "queue" | "interrupt" | "steer"

/** Messages that wait in one session's inbox at most: queued ones, and those that are to join the open run. */
export const maxQueuedMessages = 100

/** A message that joins the open run between two of its steps. */
export interface SteerCommand {
  readonly type: "steer"
  readonly sessionId: string
  /** The open run. */
  readonly runId: string
  readonly at: number
  readonly content: readonly ContentPart[]
}

/** The withdrawal of a queued run: accepted, and not logged yet. */
export interface WithdrawCommand {
  readonly type: "withdraw"
  readonly sessionId: string
  /** The queued run. */
  readonly runId: string
  readonly at: number
}

/** The run of a message or cancel that was accepted. */
export interface PutRun {
  readonly runId: string
  readonly cursor: number
  /** Place in the queue, from 1, of a run that has to wait for others or for its time. Absent for any other run. */
  readonly position?: number
}

export interface RunOpened {
  readonly runId: string
  /** Reading after this sequence number shows the run from its start. */
  readonly cursor: number
  /** If true, messages may join the run between its steps. */
  readonly steerable: boolean
}

export interface PendingOptions {
  /** If false, messages are left out: they may be large, and a run that has begun needs none. Default: true. */
  readonly messages?: boolean
}

export interface PutAndClaimOutcome {
  readonly outcome: PutOutcome
  readonly lease: Lease | null
  /** Absent if the store has not read it: the holder of the lease reads it then. */
  readonly found?: Found | undefined
}

/** A session as its claim found it, with its inbox: what `session` and `pending` would return in that moment. */
export interface Found {
  readonly session: Session
  readonly commands: readonly Command[]
}

/** The end of a background task, for the session that started it. */
export interface TaskEndCommand {
  readonly type: "taskEnd"
  readonly sessionId: string
  /** The run of the task, which is its id. */
  readonly runId: string
  readonly outcome: ChildOutcome
  /** Context and channel of that run. */
  readonly context: JsonObject
  readonly channel: string | null
  readonly at: number
}

/** A command that is put into an inbox, and that no wait asks for. */
export type PutCommand = MessageCommand | CancelCommand | TaskEndCommand

import type { ContentPart } from "../../history/messages.ts"
import type { JsonObject } from "../../json/json.ts"
import type { ChildOutcome } from "../../runs/child.ts"
import type { CancelCommand, Command, Lease, MessageCommand, PutOutcome, Session } from "./session-log.ts"

/** An accepted message whose run no process has opened yet. */
export interface QueuedRun {
  readonly runId: string
  /** 1 for the run that opens next. */
  readonly position: number
  /** Time before which the run does not open, in milliseconds since the Unix epoch. 0 for none. */
  readonly notBefore: number
}

/**
 * Decides what happens to a message for a session that has an open run, or a queued run that is due: `reject` refuses
 * the message, `queue` runs it after those runs, `interrupt` cancels the open run and runs the message next, `steer`
 * adds the message to the open run. `steer` acts as `queue` if there is no open run, or if the run cannot be steered,
 * such as a run of a foreign runner.
 */
export type WhenBusy = "reject" | "queue" | "interrupt" | "steer"

/** Maximum number of messages in one session's inbox, including queued and steering messages. */
export const maxQueuedMessages = 100

/** A message that no run has taken yet, for readers. */
export interface InboxMessage {
  /** Id of its command. A steering message is withdrawn by it. */
  readonly id: number
  /** The run that the message starts. For a steering message, the open run that it joins. */
  readonly runId: string
  readonly steers: boolean
  /** Null if the message has more than `maxListedMessageBytes`. */
  readonly content: readonly ContentPart[] | null
}

/** Maximum bytes of a message that `inboxMessages` returns with its content. */
export const maxListedMessageBytes = 16_384

/** A message that joins the open run between two of its steps. */
export interface SteerCommand {
  readonly type: "steer"
  readonly sessionId: string
  /** The open run. */
  readonly runId: string
  readonly at: number
  readonly content: readonly ContentPart[]
}

/** The withdrawal of a queued run. It was accepted, but is not logged yet. */
export interface WithdrawCommand {
  readonly type: "withdraw"
  readonly sessionId: string
  /** The queued run. */
  readonly runId: string
  readonly at: number
}

/** The withdrawal of a steering message, before it has joined its run. */
export interface WithdrawMessageCommand {
  readonly type: "withdrawMessage"
  readonly sessionId: string
  /** Id of the message in the inbox. */
  readonly messageId: number
  readonly at: number
}

/** The run of a message or cancel that was accepted. */
export interface PutRun {
  readonly runId: string
  readonly cursor: number
  /** Position in the queue, from 1, of a run that waits for other runs or for its time. Otherwise absent. */
  readonly position?: number
}

export interface RunOpened {
  readonly runId: string
  /** Sequence number after which the entries of the run start. */
  readonly cursor: number
  /** If true, messages may join the run between its steps. */
  readonly steerable: boolean
}

export interface PendingOptions {
  /** If false, messages are left out. They may be large, and a run that has started needs none. Default: true. */
  readonly messages?: boolean
  /**
   * Commands that the caller has read before, by id. Those that are still pending are returned as they are, and the
   * store does not read them again. Default: none.
   */
  readonly known?: ReadonlyMap<number, Command>
}

export interface PutAndClaimOutcome {
  readonly outcome: PutOutcome
  readonly lease: Lease | null
  /** Absent if the store has not read it. The holder of the lease then reads it. */
  readonly found?: Found | undefined
}

/** A session and its inbox at the time of a claim, as `session` and `pending` would return them. */
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

/** A command for an inbox, other than an answer to a wait. */
export type PutCommand = MessageCommand | CancelCommand | WithdrawMessageCommand | TaskEndCommand

import type { Json } from "../../json/json.ts"
import type { PutCommand, WithdrawMessageCommand } from "./inbox.ts"
import type {
  AnswerCommand,
  AnswerOutcome,
  MessageCommand,
  Principal,
  PutOutcome,
  SessionParent,
} from "./session-log.ts"

/**
 * Work of a session outside itself. The store keeps the item from the commit of the events that caused it until it is
 * delivered: at least once, in no particular order. A batch with items has at least one event.
 */
export type OutboxItem = HandledItem | CommandItem

export interface HandledItem extends ItemBase {
  /** Name of the handler that delivers the item. */
  readonly kind: string
  readonly payload: Json
}

/** A command to another session of the same principal. The store delivers it itself, exactly once. */
export interface CommandItem extends ItemBase {
  readonly kind: "command"
  readonly payload: OutboxCommand
}

interface ItemBase {
  /**
   * The same at each delivery. If the session's outbox already has an item with this id, the item is not stored
   * again.
   */
  readonly id: string
  /** Milliseconds since the Unix epoch. Default: deliver at once. */
  readonly notBefore?: number
}

export type OutboxCommand =
  | { readonly type: "put"; readonly command: Exclude<PutCommand, WithdrawMessageCommand> }
  | { readonly type: "answer"; readonly command: AnswerCommand }
  | StartChild

/** A session that a tool call starts. It has the principal and the root of its parent. */
export interface NewChild {
  readonly agent: string
  readonly parent: SessionParent
  readonly createdAt: number
}

/**
 * Creates a session and puts its first message, if the wait that it works for is still open. If the session cannot
 * accept the message, the wait is answered at once.
 */
export interface StartChild {
  readonly type: "startChild"
  readonly child: NewChild
  /** The run of this message has the id of the wait. */
  readonly command: MessageCommand
}

/** Returns the id of the item that starts a child's run. A cancel of that run waits for the start. */
export function startId(childRunId: string): string {
  return `start:${childRunId}`
}

/** The kind of items that the store delivers itself. */
export const commandKind = "command"

/** Payload of the item that reports a removed session. Times are in milliseconds since the Unix epoch. */
export interface RemovedSession extends Principal {
  readonly agent: string
  /** Null for the root of a tree. */
  readonly parentSessionId: string | null
  readonly createdAt: number
  readonly lastUsedAt: number
}

/** Items of all sessions that wait for delivery. Rows outlive the session that wrote them. */
export interface Outbox {
  /**
   * Claims due rows of one kind for the caller, those that are due longest first. A claim ends after `leaseMs` by the
   * store's clock. The row is then due again, because the process may have died.
   */
  claim(options: OutboxClaim): Promise<readonly ClaimedItem[]>
  /**
   * Deletes the row. Resolves to false if the claim has ended and another process may have delivered the row again.
   */
  complete(item: ClaimedItem): Promise<boolean>
  /** Makes the row due again after `retryInMs`, or dead if that is null. Resolves to false if the claim has ended. */
  fail(item: ClaimedItem, failure: OutboxFailure): Promise<boolean>
  /**
   * Gives the row back undelivered. It is due at once, and the attempt does not count. `begun` is true if a handler
   * had received the item.
   */
  release(item: ClaimedItem, options: { readonly begun: boolean }): Promise<void>
  /**
   * Returns the milliseconds until the first row of each of these kinds is due: 0 or less if a row is due. Kinds
   * without rows are left out.
   */
  nextDue(kinds: readonly string[]): Promise<ReadonlyMap<string, number>>
  /** Moves up to `limit` due commands into the inboxes of their sessions, each in a transaction of its own. */
  deliverCommands(options: { readonly limit: number }): Promise<readonly CommandDelivery[]>

  /** Returns rows with a number above `after`, in order, at most `limit`. */
  rows(filter: OutboxFilter): Promise<readonly OutboxRow[]>
  /** Makes dead rows due at once and resets their attempts. Resolves to the number of rows. */
  retry(numbers: readonly number[]): Promise<number>
  /** Deletes the rows with these numbers, whatever their state is, or dead rows. Resolves to the number of rows. */
  drop(choice: RowChoice): Promise<number>
  /** Yields when this process has stored rows that may be due. This is only a hint: `nextDue` finds every row. */
  arrivals(options: { readonly signal: AbortSignal }): AsyncIterable<void>
}

export interface OutboxClaim {
  readonly kind: string
  readonly limit: number
  /** Maximum bytes of payloads. If the claimed rows exceed it, no further row is claimed. */
  readonly maxBytes: number
  readonly leaseMs: number
}

export interface ClaimedItem {
  /** Number of the row, unique in the store. */
  readonly number: number
  readonly id: string
  readonly sessionId: string
  readonly kind: string
  readonly payload: Json
  /** Counts the attempts of the row from 1, including this one. */
  readonly attempt: number
  /**
   * If true, an earlier attempt ended without an outcome, because its process ended or was stopped. It may have taken
   * effect.
   */
  readonly interrupted: boolean
  /** Identifies this claim. */
  readonly claim: string
}

export interface OutboxFailure {
  readonly error: string
  readonly retryInMs: number | null
}

export interface CommandDelivery {
  readonly number: number
  readonly id: string
  /** The session that wrote the row. */
  readonly from: string
  /** The session that it is for. Null if the payload is not a command. */
  readonly to: string | null
  readonly result: CommandResult
}

/**
 * The state of the row after the delivery. A `delivered` or `dropped` row is gone. Any other row waits or is dead.
 */
export type CommandResult =
  | { readonly type: "delivered" }
  | { readonly type: "dropped"; readonly reason: string }
  | { readonly type: "dead"; readonly reason: string }
  | { readonly type: "retry"; readonly reason: string; readonly retryInMs: number }

export type CommandOutcome = PutOutcome | AnswerOutcome

export interface OutboxFilter {
  readonly state?: OutboxRow["state"]
  readonly kind?: string
  readonly sessionId?: string
  /** Only rows of sessions of this tenant that the store still has. */
  readonly tenant?: string
  readonly after?: number
  readonly limit: number
}

export type RowChoice =
  | { readonly numbers: readonly number[] }
  /** Dead rows of one kind, or of all kinds, at most `limit`. */
  | { readonly kind?: string; readonly limit: number }

/** A row without its payload. */
export interface OutboxRow {
  readonly number: number
  readonly id: string
  readonly sessionId: string
  readonly kind: string
  /** The beginning of the payload as JSON, 200 characters at most. */
  readonly preview: string
  /** Size of the payload as JSON. */
  readonly bytes: number
  readonly state: "waiting" | "dead"
  readonly attempts: number
  readonly lastError: string | null
  /** Time by the store's clock, in milliseconds since the Unix epoch. */
  readonly createdAt: number
  /** Time of the next attempt. For a row that is being delivered, the end of its claim. Null for a dead row. */
  readonly dueAt: number | null
  readonly diedAt: number | null
}

/** Handlers by the kind of item that they deliver. */
export type OutboxHandlers = ReadonlyMap<string, OutboxHandler>

/** Delivers items of one kind, at least once. Repeated deliveries of an item have the same id. */
export interface OutboxHandler {
  /** The attempt fails if the promise rejects, or does not settle in time. */
  deliver(item: OutboxDelivery, options: OutboxDeliveryOptions): void | Promise<void>
  /** Returns the W3C Trace Context in which the item was created, if its payload has one. */
  traceparentOf?(payload: OutboxDelivery["payload"]): string | null
  /** Maximum milliseconds of one delivery. The signal is then aborted. Default 30 000. */
  readonly timeoutMs?: number
}

export interface OutboxDeliveryOptions {
  readonly signal: AbortSignal
  /** W3C Trace Context of the attempt, for requests to others. Null if there is none. */
  readonly traceparent: string | null
}

/** The item that a handler receives. `attempt` counts from 1. */
export type OutboxDelivery = Pick<
  ClaimedItem,
  "id" | "kind" | "sessionId" | "payload" | "attempt" | "interrupted"
>

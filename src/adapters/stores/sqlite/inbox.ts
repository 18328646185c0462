import type { PendingOptions, PutCommand } from "../../../core/ports/store/inbox.ts"
import type { CancelCommand, Command, Lease, MessageCommand } from "../../../core/ports/store/session-log.ts"
import type { StorageLimits } from "../../../core/ports/store/storage-limits.ts"
import { escapeText, type Row, readInteger } from "../rows/columns.ts"
import {
  type CommandRow,
  commandColumns,
  type NewCommand,
  toCommandInsert,
  toCommandRow,
} from "../rows/command-rows.ts"
import type { LargeContents } from "../rows/large/large-contents.ts"
import { toPending, toReceiver } from "../rows/session-rows.ts"
import { toIdempotencyColumns } from "../rules/idempotency.ts"
import { type PutPlan, planChange, planMessage, type Receiver } from "../rules/put-rules.ts"
import type { DueChange } from "../rules/queue-order.ts"
import { refuseNewer, type Versions } from "../rules/versions.ts"
import type { PutOptions as SharedOptions, Put as SharedPut } from "../sql/inbox.ts"
import { findRepeated } from "../sql/read-inbox.ts"
import type { Database } from "./database/database.ts"
import { selectLargeText } from "./database/large-text.ts"
import { runSteps } from "./database/sql-database.ts"
import { findReference, restoreContent } from "./large/large-commands.ts"
import { claimText } from "./large/large-texts.ts"
import { type Claimable, claimFree } from "./leases/leases.ts"
import { lastSeq } from "./schema.ts"

export interface PutOptions extends SharedOptions {
  readonly versions: Versions
  /** The time of the store's clock. */
  readonly now: number
  /** If present, this process claims the session if it is free and the put gave it due work. */
  readonly claim?: Claimable & { readonly owner: string }
}

export interface Put extends SharedPut {
  /** Ids and bodies of the new commands, if the session's inbox has no others and no run is open. Otherwise null. */
  readonly inserted: readonly Row[] | null
  /** The row of the claimed session, for `toClaim`. Null if the session was not claimed. */
  readonly claimed: Row | null
}

const nothing = { isDue: false, inserted: null, claimed: null }

/** Puts a command. Must be called inside a transaction. */
export function put(
  database: Database,
  command: PutCommand,
  { limits, texts, versions, now, claim }: PutOptions,
): Put {
  const receiver = findReceiver(database, command.sessionId, { versions, now })
  if (receiver === null) return { outcome: { status: "unknown" }, ...nothing }
  const message = command.type === "message" ? command : null
  const known = message === null ? null : runSteps(database, now, findRepeated(message, receiver))
  if (known !== null) return { outcome: known, ...nothing }
  const plan = planOf(command, receiver, limits)
  const { lastSeq } = receiver
  const done = carryOut(database, plan, {
    sessionId: command.sessionId,
    message,
    texts,
    ...(claim !== undefined && plan.isDue && { claim: { ...claim, lastSeq } }),
  })
  const isIdle = receiver.open === null && receiver.rows.length === 0 && plan.run !== null
  return isIdle ? done : { ...done, inserted: null }
}

/** Returns true if the command would be stored. Must be called inside a read. */
export function isWanted(
  database: Database,
  command: PutCommand,
  { limits, versions, now }: Omit<PutOptions, "texts">,
): boolean {
  const receiver = findReceiver(database, command.sessionId, { versions, now })
  if (receiver === null) return false
  const known = command.type === "message" ? runSteps(database, now, findRepeated(command, receiver)) : null
  return known === null && planOf(command, receiver, limits).commands.length > 0
}

/** Returns the run that the command would cancel. Null if it would be refused. Must be called inside a read. */
export function findAcceptedRun(
  database: Database,
  command: CancelCommand,
  { versions, now }: Pick<PutOptions, "versions" | "now">,
): string | null {
  const receiver = findReceiver(database, command.sessionId, { versions, now })
  const outcome = receiver === null ? null : planChange(command, receiver).outcome
  return outcome?.status === "accepted" ? outcome.runId : null
}

function planOf(command: PutCommand, receiver: Receiver, limits: StorageLimits | undefined): PutPlan {
  return command.type === "message" ? planMessage(command, receiver, limits) : planChange(command, receiver)
}

const receiverById = `
  SELECT ${lastSeq} AS last_seq, session.stored_bytes, session.log_version, session.revoked_at, run.id AS run_id,
    run.cursor, run.steerable,
    EXISTS (SELECT 1 FROM command WHERE command.session_id = session.id) AS has_commands
  FROM session LEFT JOIN run ON run.id = session.active_run WHERE session.id = ?`

/**
 * Returns the session of a put. Throws if only newer processes can read the session. Must be called inside a
 * transaction, which locks the database.
 */
export function findReceiver(
  database: Database,
  sessionId: string,
  { versions, now }: Omit<PutOptions, "limits">,
): Receiver | null {
  const session = database.get(receiverById, escapeText(sessionId))
  if (session === undefined) return null
  refuseNewer(session, versions)
  return toReceiver(session, {
    rows: session.has_commands === 1 ? readInbox(database, sessionId) : [],
    now,
  })
}

const commandsOfSession = `SELECT ${commandColumns} FROM command WHERE session_id = ?`

/** Returns the commands of an existing session, in no particular order. */
export function readInbox(database: Database, sessionId: string): CommandRow[] {
  return database.all(commandsOfSession, sessionId).map(toCommandRow)
}

/** Carries out a plan. Must be called inside a transaction. */
export function carryOut(
  database: Database,
  plan: PutPlan,
  {
    sessionId,
    message,
    texts,
    claim,
  }: {
    readonly sessionId: string
    readonly message: MessageCommand | null
    readonly texts?: LargeContents | undefined
    readonly claim?: Claimable & { readonly owner: string; readonly lastSeq: number }
  },
): Put {
  const { outcome, run, isDue } = plan
  const { key, hash } = toIdempotencyColumns(message?.idempotency ?? null)
  if (run !== null) {
    database.run(
      `INSERT INTO run (id, session_id, cursor, state, idempotency_key, body_hash, created_at, tenant, user_id)
       SELECT ?, id, ?, 'queued', ?, ?, ?, tenant, user_id FROM session WHERE id = ?`,
      run.runId,
      run.cursor,
      key,
      hash,
      message?.at ?? 0,
      sessionId,
    )
  }
  if (outcome.status === "steered" && key !== null) {
    database.run(
      "INSERT INTO steering_key (session_id, idempotency_key, body_hash, run_id) VALUES (?, ?, ?, ?)",
      sessionId,
      key,
      hash,
      outcome.runId,
    )
  }
  const freed = deleteCommands(database, sessionId, plan.deleted)
  const inserted = plan.commands.map((command) => insertCommand(database, command, texts))
  const hasLarge = inserted.some(({ textId }) => textId !== null)
  changeDue(database, plan.due)
  const bytes = inserted.reduce((sum, each) => sum + each.bytes, -freed)
  const version = Math.max(0, ...inserted.map((each) => each.version))
  const usedAt = message !== null && inserted.length > 0 ? message.at : 0
  const claimed =
    claim === undefined ? null : claimFree(database, sessionId, { ...claim, bytes, version, usedAt })
  changeSession(database, sessionId, {
    ...(claimed === null && { bytes, version, ...(usedAt > 0 && { usedAt }) }),
  })
  return { outcome, isDue, inserted: hasLarge ? null : inserted, claimed }
}

/**
 * Inserts a command. `changeSession` adds the command's bytes and version to the session. Must be called inside a
 * transaction.
 */
export function insertCommand(
  database: Database,
  command: NewCommand,
  texts?: LargeContents,
): InsertedCommand {
  const row = toCommandInsert(command, texts)
  const reference = texts === undefined ? null : findReference(command.command, texts)
  if (reference !== null) claimText(database, reference)
  const textId = reference?.id ?? null
  const { sessionId, runId, type, body, rank, notBefore, dueAt, bytes, version } = row
  const inserted = database.get(
    `INSERT INTO command (session_id, run_id, type, body, rank, not_before, due_at, bytes, text_id)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
    sessionId,
    runId,
    type,
    body,
    rank,
    notBefore,
    dueAt,
    bytes,
    textId,
  )
  return { id: readInteger(inserted ?? {}, "id"), body, bytes, version, textId }
}

type InsertedCommand = {
  readonly id: number
  readonly body: string
  readonly bytes: number
  readonly version: number
  /** Null if the whole command is in its row. */
  readonly textId: string | null
}

/** Deletes commands. Returns their bytes, which the session no longer stores. Must be called inside a transaction. */
export function deleteCommands(database: Database, sessionId: string, ids: readonly number[]): number {
  let bytes = 0
  for (const id of ids) {
    const row = database.get(
      "DELETE FROM command WHERE id = ? AND session_id = ? RETURNING bytes",
      id,
      sessionId,
    )
    bytes += row === undefined ? 0 : readInteger(row, "bytes")
  }
  return bytes
}

/** Changes the due times of commands. Must be called inside a transaction. */
export function changeDue(database: Database, changes: readonly DueChange[]): void {
  for (const { id, dueAt } of changes) database.run("UPDATE command SET due_at = ? WHERE id = ?", dueAt, id)
}

export interface SessionChanges {
  /** Bytes that the session stores in addition. */
  readonly bytes?: number
  /**
   * The log version that a process must read; 0 for none. Only processes that read the newest version of a session
   * work on it.
   */
  readonly version?: number
  /** Time of the session's use. */
  readonly usedAt?: number
  readonly activeRun?: string | null
  readonly takeovers?: number
}

/**
 * Changes a session. Writes only changed columns, because SQLite removes a written column from its indexes and adds
 * it again, whatever its value is. Must be called inside a transaction.
 */
export function changeSession(
  database: Database,
  sessionId: string,
  { bytes = 0, version = 0, usedAt, activeRun, takeovers }: SessionChanges,
): void {
  const changes: readonly (readonly [sql: string, value: string | number | null])[] = [
    ...(bytes === 0 ? [] : [["stored_bytes = stored_bytes + ?", bytes] as const]),
    ...(version === 0 ? [] : [["log_version = max(log_version, ?)", version] as const]),
    ...(usedAt === undefined ? [] : [["last_used_at = max(last_used_at, ?)", usedAt] as const]),
    ...(activeRun === undefined ? [] : [["active_run = ?", activeRun] as const]),
    ...(takeovers === undefined ? [] : [["takeovers = ?", takeovers] as const]),
  ]
  if (changes.length === 0) return
  const set = changes.map(([sql]) => sql).join(", ")
  const values = changes.map(([, value]) => value)
  database.run(`UPDATE session SET ${set} WHERE id = ?`, ...values, sessionId)
}

export async function readPending(
  database: Database,
  lease: Lease,
  { messages = true, known, owner, now }: PendingOptions & { readonly owner: string; readonly now: number },
): Promise<{ readonly commands: readonly Command[]; readonly hasTexts: boolean }> {
  const rows = await database.read(() =>
    database.all(
      `SELECT ${commandColumns}, ${selectLargeText("command.body", "command.id IN (SELECT value FROM json_each(?))")}
       FROM session JOIN command ON command.session_id = session.id
       WHERE session.id = ? AND session.epoch = ? AND session.owner = ?
         AND (command.due_at <= ? OR (command.type = 'steer' AND command.run_id = session.active_run))
         AND (? OR command.type <> 'message')`,
      JSON.stringify([...(known?.keys() ?? [])]),
      lease.sessionId,
      lease.epoch,
      owner,
      now,
      Number(messages),
    ),
  )
  const commands: Command[] = []
  let hasTexts = false
  for (const command of await toPending(rows, { now, known })) {
    const restored = await restoreContent(database, command)
    hasTexts ||= restored !== command
    if (restored !== null) commands.push(restored)
  }
  return { commands, hasTexts }
}

import type { Run, SessionBatch } from "../../../../core/ports/store/session-log.ts"
import { readInteger, readText } from "../../rows/columns.ts"
import { type CommandRow, commandColumns, toCommandRow } from "../../rows/command-rows.ts"
import type { EntryRows } from "../../rows/entry-rows.ts"
import { applyBatch, concernsInbox } from "../../rules/inbox-rules.ts"
import { computeDueChanges, type DueChange } from "../../rules/queue-order.ts"
import type { Query } from "../database/database.ts"
import { nowMs } from "../schema.ts"

interface Stored {
  readonly batch: SessionBatch
  /** The id of the session. */
  readonly id: string
  readonly rows: EntryRows
}

/** The inboxes before a group of batches, and their changes by the batches. */
export class Inboxes {
  readonly #rows: Map<string, readonly CommandRow[]>
  readonly #openRuns = new Map<string, string | null>()
  readonly #now: number

  private constructor(rows: Map<string, readonly CommandRow[]>, now: number) {
    this.#rows = rows
    this.#now = now
  }

  /**
   * Reads the inboxes in a statement after the locks, so that it sees every command that was put before the locks.
   */
  static async read(query: Query, batches: readonly SessionBatch[]): Promise<Inboxes> {
    const ids = batches.filter(concernsInbox).map(({ lease }) => lease.sessionId)
    if (ids.length === 0) return new Inboxes(new Map(), 0)
    const found = await query(
      `SELECT session_id, ${commandColumns}, ${nowMs} AS now FROM agent_gateway.command WHERE session_id = ANY($1)`,
      [ids],
    )
    const rows = new Map<string, CommandRow[]>()
    for (const row of found) {
      const id = readText(row, "session_id")
      rows.set(id, [...(rows.get(id) ?? []), toCommandRow(row)])
    }
    const [first] = found
    return new Inboxes(rows, first === undefined ? 0 : readInteger(first, "now"))
  }

  of(sessionId: string): readonly CommandRow[] {
    return this.#rows.get(sessionId) ?? []
  }

  /** Applies a stored batch. `activeRun` is the session's open run before the group. */
  change(batch: SessionBatch, activeRun: string | null): void {
    if (!concernsInbox(batch)) return
    const { lease, runOpened, runEnded } = batch
    const { sessionId } = lease
    this.#rows.set(sessionId, applyBatch(this.of(sessionId), batch))
    const before = this.#openRuns.get(sessionId)
    const open = runOpened?.runId ?? (before === undefined ? activeRun : before)
    this.#openRuns.set(sessionId, open === runEnded?.runId ? null : open)
  }

  /** Returns the messages that become due, or are no longer due, after the batches are stored. */
  dueChanges(): readonly DueChange[] {
    return [...this.#openRuns].flatMap(([sessionId, openRunId]) =>
      computeDueChanges(this.of(sessionId), { now: this.#now, openRunId }),
    )
  }
}

export interface RunChange {
  readonly session_id: string
  readonly id: string
  readonly state: Run["state"]
  readonly cursor?: number
  readonly steerable?: boolean
  readonly end_seq?: number
}

/** Returns the runs that a batch ends, or whose withdrawals it logs. */
export function listEndedRuns({ id: session_id, batch, rows }: Stored): RunChange[] {
  const { runEnded, runsWithdrawn = [] } = batch
  const end_seq = rows.lastSeq
  const withdrawn = runsWithdrawn.map((id): RunChange => ({ session_id, id, state: "interrupted", end_seq }))
  if (runEnded === undefined) return withdrawn
  return [...withdrawn, { session_id, id: runEnded.runId, state: runEnded.state, end_seq }]
}

/** Returns one row for each run, because an update applies only one of several rows with the same target. */
export function runChanges(batches: readonly Stored[]): RunChange[] {
  const changes = new Map<string, RunChange>()
  for (const each of batches) {
    const { runOpened } = each.batch
    if (runOpened !== undefined) {
      const { runId: id, ...opened } = runOpened
      changes.set(id, { session_id: each.id, id, state: "open", ...opened })
    }
    for (const ended of listEndedRuns(each)) changes.set(ended.id, { ...changes.get(ended.id), ...ended })
  }
  return [...changes.values()]
}

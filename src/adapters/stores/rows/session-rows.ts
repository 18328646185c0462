import { pieceCharacters } from "../../../core/json/json-pieces.ts"
import { parseInSlices } from "../../../core/json/parse-in-slices.ts"
import type { PendingOptions, PutAndClaimOutcome } from "../../../core/ports/store/inbox.ts"
import type { Command, Lease, Run, Session, StoredCommand } from "../../../core/ports/store/session-log.ts"
import { readExternalId, readParent, readRootId } from "../directory/rows.ts"
import type { Receiver } from "../rules/put-rules.ts"
import { listQueue } from "../rules/queue-order.ts"
import {
  type Row,
  readBoolean,
  readInteger,
  readJson,
  readNullableText,
  readText,
  readTextLength,
  unescapeText,
} from "./columns.ts"
import { toCommandRow } from "./command-rows.ts"

/** Converts a row with the run's columns as `run_id`, `session_id`, `cursor`, `state` and `end_seq`. */
export function toRun(row: Row): Run {
  return {
    id: readText(row, "run_id"),
    sessionId: readText(row, "session_id"),
    cursor: readInteger(row, "cursor"),
    state: toRunState(readText(row, "state")),
    endSeq: row.end_seq === null ? null : readInteger(row, "end_seq"),
  }
}

/** Converts a session's row joined with that of its open run, whose columns are null if there is none. */
export function toSession(row: Row): Session {
  return createSession(row, {
    activeRun: readNullableText(row, "run_id") === null ? null : toRun(row),
    hasDueWork: readBoolean(row, "has_due_work"),
  })
}

function createSession(row: Row, work: Pick<Session, "activeRun" | "hasDueWork">): Session {
  return {
    id: readText(row, "session_id"),
    externalId: readExternalId(row),
    tenant: unescapeText(readText(row, "tenant")),
    userId: unescapeText(readText(row, "user_id")),
    agent: unescapeText(readText(row, "agent")),
    parent: readParent(row),
    rootId: readRootId(row),
    depth: readInteger(row, "depth"),
    createdAt: readInteger(row, "created_at"),
    lastUsedAt: readInteger(row, "last_used_at"),
    revokedAt: row.revoked_at === null ? null : readInteger(row, "revoked_at"),
    lastSeq: readInteger(row, "last_seq"),
    storedBytes: readInteger(row, "stored_bytes"),
    ...work,
  }
}

/** Converts the row of a session that receives a command. */
export function toReceiver(row: Row, inbox: Pick<Receiver, "rows" | "now">): Receiver {
  const runId = readNullableText(row, "run_id")
  return {
    open:
      runId === null
        ? null
        : { runId, cursor: readInteger(row, "cursor"), steerable: readBoolean(row, "steerable") },
    isRevoked: row.revoked_at !== null,
    lastSeq: readInteger(row, "last_seq"),
    storedBytes: readInteger(row, "stored_bytes"),
    ...inbox,
  }
}

/** Converts a session's row after its claim. */
export function toLease(row: Row): Lease {
  return {
    sessionId: readText(row, "id"),
    epoch: readInteger(row, "epoch"),
    takeovers: readInteger(row, "takeovers"),
    principal: {
      tenant: unescapeText(readText(row, "tenant")),
      userId: unescapeText(readText(row, "user_id")),
    },
  }
}

/**
 * Converts the row of a session that a put has claimed (null if it has not), and the ids and bodies of the commands
 * in its inbox (null if they are not known). A large command is left to `toPending`, which parses it in a separate
 * slice.
 */
export function toClaim(
  row: Row | null,
  commands: readonly Row[] | null,
): Pick<PutAndClaimOutcome, "lease" | "found"> {
  if (row === null) return { lease: null }
  const isLarge = commands?.some((command) => readTextLength(command, "body") > pieceCharacters) ?? false
  if (commands === null || isLarge) return { lease: toLease(row) }
  const session = createSession(row, { activeRun: null, hasDueWork: true })
  const found = commands.map((command) => toCommand(command, readJson(command, "body")))
  return { lease: toLease(row), found: { session, commands: found } }
}

/** Converts a command's `id` and its parsed `body`. */
function toCommand(row: Row, body: StoredCommand): Command {
  return { ...body, id: readInteger(row, "id") }
}

/**
 * Returns the commands for a writer, oldest first. Of the messages, which are all due, only the next one is included.
 * `rows` have the columns of `toCommandRow` and a `body`, in any order, because a database that sorted them would
 * copy their bodies. Parses large bodies in separate slices. The bodies of `known` commands are not needed.
 */
export async function toPending(
  rows: readonly Row[],
  { now, known }: { readonly now: number; readonly known: PendingOptions["known"] },
): Promise<Command[]> {
  const [next] = listQueue(rows.map(toCommandRow), now)
  const commands: Command[] = []
  for (const row of rows.toSorted((left, right) => readInteger(left, "id") - readInteger(right, "id"))) {
    if (readText(row, "type") === "message" && readInteger(row, "id") !== next?.id) continue
    const before = known?.get(readInteger(row, "id"))
    if (before !== undefined) {
      commands.push(before)
      continue
    }
    const body = await parseInSlices(readText(row, "body"))
    // This package wrote the body, so its shape is not checked.
    commands.push(toCommand(row, body as StoredCommand))
  }
  return commands
}

function toRunState(state: string): Run["state"] {
  switch (state) {
    case "queued":
    case "open":
    case "completed":
    case "interrupted":
    case "failed":
      return state
    default:
      throw new TypeError(`A run cannot be ${state}.`)
  }
}

import { toError } from "../../../../core/errors.ts"
import type { Logger } from "../../../../core/ports/logger.ts"
import type { Clock } from "../../../../core/time/clock.ts"
import { readInteger, readText } from "../../rows/columns.ts"
import type { Database } from "../database/database.ts"

/**
 * Milliseconds that a text may wait for the transaction that uses it. The texts of a process that was killed are
 * removed after this time.
 */
const maxWaitMs = 600_000
/** Milliseconds between the request to remove texts and their removal. */
const soonMs = 1_000

/** Removes large texts that no row refers to. */
export interface TextRemover {
  /** Called when rows may have been removed that referred to texts. */
  removeSoon(): void
  /** Removes all texts that no transaction can use any more. */
  removeAll(): Promise<void>
  close(): Promise<void>
}

export function createTextRemover(database: Database, clock: Clock, logger: Logger): TextRemover {
  let timer: NodeJS.Timeout | undefined
  let removing: Promise<void> = Promise.resolve()
  let isClosed = false

  async function removeUnused(before: number): Promise<void> {
    while (!isClosed && (await database.write(() => removeChunk(database, before))));
  }

  return {
    removeSoon() {
      if (isClosed || timer !== undefined) return
      timer = setTimeout(() => {
        timer = undefined
        removing = removeUnused(0).catch((thrown: unknown) => {
          logger.warn(
            { error: toError(thrown) },
            "Unused large texts were not removed. This is retried later.",
          )
        })
      }, soonMs).unref()
    },
    removeAll: () => removeUnused(clock.now() - maxWaitMs),
    async close() {
      isClosed = true
      clearTimeout(timer)
      await removing
    },
  }
}

/** Removes one chunk, because a chunk may be large. Returns false if there is nothing to remove. */
function removeChunk(database: Database, before: number): boolean {
  const unused = database.get(
    "SELECT id, session_id, since FROM unused_text WHERE since <= ? LIMIT 1",
    before,
  )
  if (unused === undefined) return false
  const id = readText(unused, "id")
  // From now on, no transaction may use the text.
  if (readInteger(unused, "since") > 0) database.run("UPDATE unused_text SET since = 0 WHERE id = ?", id)
  const removed = database.run(
    `DELETE FROM content_chunk WHERE row =
       (SELECT row FROM content_chunk WHERE session_id = ? AND content_id = ? LIMIT 1)`,
    readText(unused, "session_id"),
    id,
  )
  if (removed === 0) database.run("DELETE FROM unused_text WHERE id = ?", id)
  return true
}

import type { Logger } from "../../../../core/ports/logger.ts"
import { readInteger, readText } from "../../rows/columns.ts"
import { createWatchHub, type WatchHub } from "../../watch-hub.ts"
import { lastSeq } from "../schema.ts"
import type { Database } from "./database.ts"

const pollMs = 100

/** Notices writes of other processes by `data_version`, which changes with commits of other connections only. */
export async function watchDatabase(database: Database, logger: Logger): Promise<WatchHub> {
  let version = -1
  let lastCommand = await database.read(() => findNewestCommand(database))

  function poll(hub: WatchHub): void {
    const current = readInteger(database.get("PRAGMA data_version") ?? {}, "data_version")
    if (current === version) return
    for (const row of readChanges(database, hub.watched))
      hub.changed(readText(row, "id"), readInteger(row, "last_seq"))
    for (const row of database.all(
      "SELECT id, session_id FROM command WHERE id > ? ORDER BY id",
      lastCommand,
    )) {
      lastCommand = readInteger(row, "id")
      hub.arrived(readText(row, "session_id"))
    }
    version = current
  }

  return createWatchHub({ logger, pollMs, poll: (hub) => database.read(() => poll(hub)) })
}

function readChanges(database: Database, watched: readonly string[]) {
  return database.all(
    `SELECT id, ${lastSeq} AS last_seq FROM session WHERE id IN (SELECT value FROM json_each(?))`,
    JSON.stringify(watched),
  )
}

function findNewestCommand(database: Database): number {
  return readInteger(database.get("SELECT coalesce(max(id), 0) AS id FROM command") ?? {}, "id")
}

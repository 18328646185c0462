import { createHash } from "node:crypto"
import type { MemoryScope } from "../../../core/ports/store/memory.ts"
import { toScopeValues } from "../memory/sql.ts"
import { readInteger } from "../rows/columns.ts"
import type { TermIndex } from "../sql/memory.ts"
import { sql } from "../sql/statement.ts"
import type { Database } from "./database/database.ts"

/** Creates the index of terms, which is a table of its own. */
export function createTermIndex(database: Database): TermIndex {
  return {
    column: () => null,
    *add(id, scope, terms) {
      const prefix = createOwnerPrefix(scope)
      yield sql`DELETE FROM memory_text WHERE rowid = ${id}`
      yield sql`INSERT INTO memory_text (rowid, words) VALUES (${id}, ${terms.map((term) => prefix + term).join(" ")})`
    },
    *remove(condition) {
      yield sql`DELETE FROM memory_text WHERE rowid IN (SELECT id FROM memory WHERE ${condition})`
    },
    find: (scope, terms) =>
      database.read(() =>
        terms.map((term) => ({
          term,
          ids: database
            .all(
              "SELECT rowid AS id FROM memory_text WHERE memory_text MATCH ?",
              `"${createOwnerPrefix(scope)}${term.text}"${term.isPrefix ? "*" : ""}`,
            )
            .map((row) => readInteger(row, "id")),
        })),
      ),
  }
}

/** `emptyLog` empties the write-ahead log, which has earlier copies of what was deleted. */
export function createEraser(database: Database, emptyLog: () => Promise<void>): () => Promise<void> {
  return async () => {
    await removeDeletedTerms(database)
    await emptyLog()
  }
}

/** Pages of the index of terms that one transaction writes: 5 ms on the event loop (rule 15). */
const mergedPages = 16

/**
 * Rewrites the index of terms without those of deleted memories, which a deletion only marks. With 100 000 memories,
 * this takes a second. https://sqlite.org/fts5.html#the_merge_command
 */
async function removeDeletedTerms(database: Database): Promise<void> {
  const merge = (pages: number) =>
    database.write(() => {
      const before = readTotalChanges(database)
      database.run("INSERT INTO memory_text (memory_text, rank) VALUES ('merge', ?)", pages)
      return readTotalChanges(database) - before
    })
  // A negative number starts to merge everything. Less than two changes mean that nothing is left to merge.
  for (let pages = -mergedPages; (await merge(pages)) >= 2; pages = mergedPages);
}

function readTotalChanges(database: Database): number {
  return readInteger(database.get("SELECT total_changes() AS changes") ?? {}, "changes")
}

/**
 * Returns the prefix of each term of a scope. It makes a search read only the terms of that scope, however many
 * memories others have. Rows distinguish two scopes with the same digest.
 */
function createOwnerPrefix(scope: MemoryScope): string {
  return createHash("sha256")
    .update(JSON.stringify(toScopeValues(scope)))
    .digest("hex")
    .slice(0, 16)
}

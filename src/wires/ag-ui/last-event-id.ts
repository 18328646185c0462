import type { Context } from "hono"
import type { HttpEnv } from "../../http/http-env.ts"
import { Problem } from "../../http/problem.ts"
import { type Cursor, isBeforeStart, parseCursor } from "./cursor.ts"

/** Returns the place after which a client continues. Null if it starts at the beginning. Refuses any other text. */
export function readLastEventId(c: Context<HttpEnv>): Cursor | null {
  const id = c.req.header("last-event-id")
  if (id === undefined) return null
  const cursor = parseCursor(id)
  if (cursor === null)
    throw new Problem({ code: "invalid_cursor", status: 400 }, "Last-Event-ID must be the id of a frame.")
  return isBeforeStart(cursor) ? null : cursor
}

import type { Context } from "hono"
import type { Session } from "../../core/ports/store/session-log.ts"
import type { HttpEnv } from "../../http/http-env.ts"
import { respondText } from "../../http/respond.ts"
import { eventStreamType } from "../../http/streams/server-sent-events.ts"
import { describeIdle } from "./fold/idle.ts"
import type { StreamViewer } from "./fold/opening.ts"
import { readSnapshot, type SnapshotParts, type SnapshotRange } from "./read-snapshot.ts"

/** Responds with the messages of a conversation in which no run is open, as a whole run of AG-UI. */
export async function respondIdle(
  c: Context<HttpEnv>,
  parts: SnapshotParts,
  session: Session,
  { viewer, resultIds }: { readonly viewer: StreamViewer } & Pick<SnapshotRange, "resultIds">,
): Promise<Response> {
  const range = { before: null, ...(resultIds !== undefined && { resultIds }), signal: c.req.raw.signal }
  const snapshot = await readSnapshot(parts, session, range)
  const headers = { "content-type": eventStreamType, "cache-control": "no-cache" }
  return respondText(c, describeIdle(viewer, snapshot), 200, headers)
}

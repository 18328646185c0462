import { type OpenAPIHono, z } from "@hono/zod-openapi"
import { formatDirectoryCursor } from "../../core/directory-cursor.ts"
import type { EventEntry } from "../../core/log/entries.ts"
import type { Directory, ListedRun, ListedSession } from "../../core/ports/store/directory.ts"
import type { HttpEnv } from "../../http/http-env.ts"
import { createSessionNotFound, Problem } from "../../http/problem.ts"
import type { Sessions } from "../../kernel/sessions/sessions.ts"
import { type CostParts, createCosts } from "../costs.ts"
import { readCursor, readQuery } from "../read-request.ts"
import type { FindTitles } from "../titles.ts"

export interface SessionRoutesOptions {
  readonly prefix: string
  readonly sessions: Sessions
  readonly directory: Directory
  readonly titles: FindTitles
  readonly readEnd: CostParts["readEnd"]
  /** Returns one page of a session's events after a sequence number, with secrets masked. */
  readonly readEvents: (sessionId: string, afterSeq: number, limit?: number) => Promise<readonly EventEntry[]>
}

const pageSize = 50
const shownRuns = 50

const sessionStates = ["idle", "queued", "running", "waiting", "unserved"] as const
const runStates = ["queued", "running", "waiting", "unserved", "completed", "interrupted", "failed"] as const
const name = z.string().min(1).max(256)

const sessionsQuery = z
  .strictObject({
    agent: name.optional(),
    state: z.enum(sessionStates).optional(),
    tenant: name.optional(),
    user: name.optional(),
    after: z.string().optional(),
  })
  .refine(({ tenant, user }) => user === undefined || tenant !== undefined, {
    path: ["user"],
    error: "requires tenant, because a user belongs to a tenant",
  })
const runsQuery = z.strictObject({
  agent: name.optional(),
  state: z.enum(runStates).optional(),
  after: z.string().optional(),
})
const seqSchema = z.coerce.number().int().positive()
const eventsQuery = z.strictObject({ after: z.coerce.number().int().nonnegative().default(0) })

/** Adds the routes of sessions and runs of all users, and of the events of one session. */
export function addSessionRoutes(root: OpenAPIHono<HttpEnv>, options: SessionRoutesOptions): void {
  const { prefix, sessions, directory, titles, readEvents } = options
  const costs = createCosts(options)
  const addEnd = async (run: ListedRun) => ({ ...run, end: await costs.ofRun(run) })
  const describe = async (listed: readonly ListedSession[], signal: AbortSignal) => {
    const found = await titles(listed, signal)
    const describeOne = async (session: ListedSession) => {
      return { ...session, title: found.get(session.id) ?? null, spent: await costs.ofSession(session) }
    }
    return Promise.all(listed.map(describeOne))
  }

  root.get(`${prefix}/sessions`, async (c) => {
    const { agent, state, tenant, user, after } = readQuery(c, sessionsQuery)
    const place = readCursor(after)
    const { items, next } = await directory.sessions({
      ...(agent !== undefined && { agents: [agent] }),
      ...(state !== undefined && { states: [state] }),
      ...(tenant !== undefined &&
        (user === undefined ? { tenant } : { principal: { tenant, userId: user } })),
      ...(place !== null && { after: place }),
      limit: pageSize,
    })
    const shown = await describe(items, c.req.raw.signal)
    return c.json({ items: shown, next: next === null ? null : formatDirectoryCursor(next) })
  })

  root.get(`${prefix}/runs`, async (c) => {
    const { agent, state, after } = readQuery(c, runsQuery)
    const place = readCursor(after)
    const { items, next } = await directory.runs({
      ...(agent !== undefined && { agents: [agent] }),
      ...(state !== undefined && { states: [state] }),
      ...(place !== null && { after: place }),
      limit: pageSize,
    })
    const shown = await Promise.all(items.map(addEnd))
    return c.json({ items: shown, next: next === null ? null : formatDirectoryCursor(next) })
  })

  root.get(`${prefix}/sessions/:id`, async (c) => {
    const session = await findSession(c.req.param("id"))
    const [{ items: runs }, { items: children }, grants] = await Promise.all([
      directory.runs({ sessionId: session.id, limit: shownRuns }),
      directory.sessions({ parentSessionId: session.id, limit: pageSize }),
      sessions.grants(session.id),
    ])
    const [described, ...describedChildren] = await describe([session, ...children], c.req.raw.signal)
    return c.json({
      session: described,
      runs: await Promise.all(runs.map(addEnd)),
      children: describedChildren,
      grants,
    })
  })

  root.get(`${prefix}/sessions/:id/events`, async (c) => {
    const { after } = readQuery(c, eventsQuery)
    const session = await findSession(c.req.param("id"))
    const items = await readEvents(session.id, after)
    const newest = (await sessions.session(session.id))?.lastSeq ?? 0
    const last = items.at(-1)?.seq ?? newest
    return c.json({ items, next: last < newest ? String(last) : null })
  })

  root.get(`${prefix}/sessions/:id/compactions/:seq`, async (c) => {
    const session = await findSession(c.req.param("id"))
    const { data: seq } = seqSchema.safeParse(c.req.param("seq"))
    const [entry] = seq === undefined ? [] : await readEvents(session.id, seq - 1, 1)
    if (entry?.seq !== seq || entry?.event.type !== "historyCompacted") {
      throw new Problem({ code: "compaction_not_found", status: 404 }, "The session has no such summary.")
    }
    const { summary, model, usage, cost } = entry.event
    return c.json({ summary, model, usage, cost, at: entry.at })
  })

  async function findSession(id: string): Promise<ListedSession> {
    const session = await directory.session(id)
    if (session === null) throw createSessionNotFound(404)
    return session
  }
}

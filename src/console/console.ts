import { z } from "@hono/zod-openapi"
import { formatDirectoryCursor, parseDirectoryCursor } from "../core/directory-cursor.ts"
import type { Directory, DirectoryCursor } from "../core/ports/directory.ts"
import type { Principal } from "../core/ports/session-log.ts"
import type { AddPages } from "../http/app.ts"
import { Problem } from "../http/problem.ts"
import { wireSession } from "../http/wire/sessions.ts"
import type { Sessions } from "../sessions/sessions.ts"
import { type ConsoleAccess, requireAccess, requireLoopback, requireOwnPage } from "./access.ts"
import { createConversations } from "./conversations.ts"
import { addPageRoutes } from "./page-routes.ts"

/** Path of the console, whatever the prefix of the HTTP API is. */
export const consolePath = "/console"

/** Owner of the sessions that are started in the console. No API key and no application can name this tenant. */
const consolePrincipal: Principal = { tenant: "console", userId: "operator" }

export interface ConsoleOptions {
  readonly access: ConsoleAccess
  /** Folder of the built page. */
  readonly folder: string
  readonly info: ConsoleInfo
  readonly sessions: Sessions
  readonly directory: Directory
}

/** Facts about the gateway that the page shows before anything else. */
export interface ConsoleInfo {
  readonly version: string
  /** Prefix of the HTTP API. */
  readonly prefix: string
  readonly mode: string
  /** The first one is the default. */
  readonly agents: readonly ConsoleAgent[]
}

export interface ConsoleAgent {
  readonly name: string
  /** Models that a message may ask for. Null for any. */
  readonly allowedModels: readonly string[] | null
}

const keySchema = z.strictObject({ key: z.string().min(1).max(1_000) })
const sessionSchema = z.strictObject({
  session_id: z.string().max(128).optional(),
  agent: z.string().max(64).optional(),
})

/** Adds the page and its own routes. The conversations themselves go through the HTTP API. */
export function consolePages(options: ConsoleOptions): AddPages {
  const { access, folder, info, sessions, directory } = options
  const agents = info.agents.map(({ name }) => name)
  const conversations = createConversations({ sessions, directory, agents }, consolePrincipal)
  return (root, { issueSession, body, failures }) => {
    addPageRoutes(root, consolePath, folder)
    const api = `${consolePath}/api`
    root.use(`${api}/*`, requireOwnPage)

    root.get(`${api}/access`, (c) => {
      if (access.type === "loopback") {
        requireLoopback(c)
        return c.json({ type: "open", can_sign_out: false })
      }
      const isSignedIn = access.cookie.isValid(c)
      return c.json({ type: isSignedIn ? "open" : "key", can_sign_out: isSignedIn })
    })
    root.post(`${api}/sign-in`, body, async (c) => {
      if (access.type !== "operator") throw noKeyNeeded()
      const { key } = parse(keySchema, await c.req.json())
      await failures.counting(c, key, async () => {
        if (!access.cookie.isKey(key)) throw wrongKey()
      })
      access.cookie.set(c, { secure: isHttps(c.req.url, c.req.header("x-forwarded-proto")) })
      return c.json({ status: "ok" })
    })
    root.post(`${api}/sign-out`, (c) => {
      if (access.type === "operator") access.cookie.remove(c)
      return c.json({ status: "ok" })
    })

    root.use(`${api}/*`, requireAccess(access))
    root.get(`${api}/info`, (c) => c.json(info))
    root.post(`${api}/session`, body, async (c) => {
      const { session_id: sessionId, agent } = parse(sessionSchema, await c.req.json())
      return c.json(await issueSession(consolePrincipal, { sessionId, agent }))
    })
    root.get(`${api}/conversations`, async (c) => {
      const { items, next } = await conversations(cursorOf(c.req.query("after")), c.req.raw.signal)
      const shown = items.map(({ session, title }) => ({ ...wireSession(session), title }))
      return c.json({ items: shown, next: next === null ? null : formatDirectoryCursor(next) })
    })
  }
}

function cursorOf(after: string | undefined): DirectoryCursor | null {
  if (after === undefined) return null
  const cursor = parseDirectoryCursor(after)
  if (cursor !== null) return cursor
  throw new Problem({ code: "invalid_cursor", status: 400 }, "after must be the `next` of a page before.")
}

function parse<Value>(schema: z.ZodType<Value>, body: unknown): Value {
  const { success, data } = schema.safeParse(body)
  if (success) return data
  throw new Problem({ code: "invalid_body", status: 422 }, "The body does not fit.")
}

/**
 * A cookie that is marked secure is not stored over plain HTTP. A proxy that is not there is only the client's own
 * loss.
 */
function isHttps(url: string, forwardedProto: string | undefined): boolean {
  return url.startsWith("https:") || forwardedProto?.split(",")[0]?.trim() === "https"
}

function noKeyNeeded(): Problem {
  return new Problem({ code: "no_key_needed", status: 409 }, "This console is used without a key.")
}

function wrongKey(): Problem {
  return new Problem({ code: "invalid_credentials", status: 401 }, "This is not the operator key.")
}

import { type OpenAPIHono, z } from "@hono/zod-openapi"
import type { SandboxReports } from "../../core/ports/tools/sandbox.ts"
import type { SessionSandbox } from "../../core/ports/tools/sandbox-state.ts"
import type { HttpEnv } from "../../http/http-env.ts"
import { Problem } from "../../http/problem.ts"
import { readQuery } from "../read-request.ts"

/** The sandboxes of one agent's code. */
export interface ConsoleSandbox {
  readonly agent: string
  readonly reports: SandboxReports
}

export interface SandboxRoutesOptions {
  readonly prefix: string
  readonly sandboxes: () => readonly ConsoleSandbox[]
}

const pageSize = 50
const pageQuery = z.strictObject({ after: z.string().max(300).optional() })

/**
 * GET sandbox: the state of the sandboxes, for each agent that runs code. GET sandbox/sessions: the sessions that have
 * used one, those with executions first, and then by their disk usage.
 */
export function addSandboxRoutes(
  root: OpenAPIHono<HttpEnv>,
  { prefix, sandboxes }: SandboxRoutesOptions,
): void {
  root.get(`${prefix}/sandbox`, async (c) => {
    const items = await Promise.all(
      sandboxes().map(async ({ agent, reports }) => ({ agent, ...(await reports.state()) })),
    )
    return c.json({ items, next: null })
  })

  root.get(`${prefix}/sandbox/sessions`, (c) => {
    const { after } = readQuery(c, pageQuery)
    const place = after === undefined ? null : parsePlace(after)
    const all = sandboxes()
      .flatMap(({ agent, reports }) => reports.sessions().map((each) => ({ agent, ...each })))
      .filter((each) => place === null || comparePlaces(placeOf(each), place) > 0)
      .toSorted((a, b) => comparePlaces(placeOf(a), placeOf(b)))
    const items = all.slice(0, pageSize)
    const last = items.at(-1)
    return c.json({
      items,
      next: all.length <= pageSize || last === undefined ? null : formatPlace(placeOf(last)),
    })
  })
}

/** Position of a session in the list. */
interface Place {
  readonly isActive: boolean
  readonly bytes: number
  readonly id: string
}

function placeOf({ session, running, waiting, usage }: SessionSandbox): Place {
  return { isActive: running + waiting > 0, bytes: usage?.bytes ?? 0, id: session.id }
}

function comparePlaces(a: Place, b: Place): number {
  if (a.isActive !== b.isActive) return a.isActive ? -1 : 1
  if (a.bytes !== b.bytes) return b.bytes - a.bytes
  if (a.id === b.id) return 0
  return a.id < b.id ? -1 : 1
}

function formatPlace({ isActive, bytes, id }: Place): string {
  return `${isActive ? "active" : "idle"}.${bytes}.${id}`
}

function parsePlace(text: string): Place {
  const [, state, bytes, id] = /^(active|idle)\.(\d{1,16})\.(.+)$/s.exec(text) ?? []
  if (state === undefined || bytes === undefined || id === undefined) {
    throw new Problem({ code: "invalid_cursor", status: 400 }, "after must be the `next` of an earlier page.")
  }
  return { isActive: state === "active", bytes: Number(bytes), id }
}

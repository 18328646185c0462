import { z } from "zod"
import type { SandboxReports } from "../core/ports/tools/sandbox.ts"
import type { SessionSandbox } from "../core/ports/tools/sandbox-state.ts"
import { defineOperation } from "./operation.ts"
import { createInvalidCursor, pageOf } from "./schemas.ts"

/** The sandboxes of one agent's code. */
export interface OperatedSandbox {
  readonly agent: string
  readonly reports: SandboxReports
}

const state = z.object({
  agent: z.string(),
  backends: z.array(
    z.object({
      name: z.string(),
      state: z.enum(["inUse", "usable", "refused", "unusable"]),
      sandboxed: z.boolean(),
      languages: z.array(z.string()),
      reason: z.string(),
    }),
  ),
  problem: z.string().nullable(),
  network: z.string(),
  limits: z.array(
    z.object({
      name: z.enum(["memory", "processor time", "processes", "time", "disk", "files"]),
      value: z.number(),
      gap: z.string().nullable(),
    }),
  ),
  executions: z.object({
    running: z.number(),
    maxRunning: z.number(),
    waiting: z.number(),
    maxWaiting: z.number(),
  }),
  warmPool: z.object({ size: z.number(), max: z.number() }).nullable(),
  disk: z.object({ directories: z.number(), freeBytes: z.number(), reservedBytes: z.number() }),
})

const session = z.object({
  agent: z.string(),
  session: z.object({ id: z.string(), tenant: z.string(), userId: z.string() }),
  running: z.number(),
  waiting: z.number(),
  usage: z.object({ bytes: z.number(), entries: z.number() }).nullable(),
  isWarm: z.boolean(),
})

const pageSize = 50

export const sandboxOperations = {
  "sandbox.list": defineOperation({
    summary: "Show the state of the sandboxes, for each agent that runs code",
    route: "GET /sandbox",
    access: "read",
    tenant: "global",
    input: z.strictObject({}),
    output: pageOf(state),
    async run(parts) {
      const items = await Promise.all(
        parts.sandboxes().map(async ({ agent, reports }) => {
          const { backends, limits, ...facts } = await reports.state()
          const shown = backends.map(({ languages, ...each }) => ({ ...each, languages: [...languages] }))
          return { agent, ...facts, backends: shown, limits: [...limits] }
        }),
      )
      return { items, next: null }
    },
  }),
  "sandbox.sessions": defineOperation({
    summary: "List the sessions that have run code, those with executions first, and then by disk usage",
    route: "GET /sandbox/sessions",
    access: "read",
    tenant: "global",
    problems: ["400 invalid_cursor"],
    input: z.strictObject({ after: z.string().max(300).optional() }),
    output: pageOf(session),
    async run(parts, { after }) {
      const place = after === undefined ? null : parsePlace(after)
      const all = parts
        .sandboxes()
        .flatMap(({ agent, reports }) => reports.sessions().map((each) => ({ agent, ...each })))
        .filter((each) => place === null || comparePlaces(placeOf(each), place) > 0)
        .toSorted((a, b) => comparePlaces(placeOf(a), placeOf(b)))
      const items = all.slice(0, pageSize)
      const last = items.at(-1)
      const isLast = all.length <= pageSize || last === undefined
      return { items, next: isLast ? null : formatPlace(placeOf(last)) }
    },
  }),
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
  if (state === undefined || bytes === undefined || id === undefined) throw createInvalidCursor()
  return { isActive: state === "active", bytes: Number(bytes), id }
}

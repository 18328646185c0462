import { OpenAPIHono } from "@hono/zod-openapi"
import { expect, it } from "vitest"
import type { SessionSandbox } from "../../core/ports/tools/sandbox-state.ts"
import type { HttpEnv } from "../../http/http-env.ts"
import { addSandboxRoutes } from "./sandbox.ts"

function sessionOf(id: string, bytes: number, running = 0): SessionSandbox {
  const session = { id, tenant: "t", userId: "ada" }
  return { session, running, waiting: 0, usage: { bytes, entries: 1 }, isWarm: false }
}

function appOf(sessions: readonly SessionSandbox[]) {
  const app = new OpenAPIHono<HttpEnv>()
  const reports = { sessions: () => sessions, state: () => Promise.reject(new Error("not needed")) }
  addSandboxRoutes(app, { prefix: "", sandboxes: () => [{ agent: "ops", reports }] })
  return app
}

async function pageOf(app: ReturnType<typeof appOf>, after: string | null) {
  const query = after === null ? "" : `?after=${encodeURIComponent(after)}`
  const response = await app.request(`/sandbox/sessions${query}`)
  const { items, next } = (await response.json()) as {
    readonly items: readonly SessionSandbox[]
    readonly next: string | null
  }
  return { ids: items.map(({ session }) => session.id), next }
}

it("lists sessions with executions first, then by their disk usage, page by page", async () => {
  const idle = Array.from({ length: 60 }, (_, index) => sessionOf(`idle-${index}`, index * 10))
  const app = appOf([...idle, sessionOf("b.2/ü", 5, 1), sessionOf("a", 5, 1)])
  const first = await pageOf(app, null)
  expect(first.ids.slice(0, 3)).toEqual(["a", "b.2/ü", "idle-59"])
  expect(first.ids).toHaveLength(50)
  const second = await pageOf(app, first.next)
  expect(second.next).toBeNull()
  expect(second.ids.at(-1)).toBe("idle-0")
  expect(new Set([...first.ids, ...second.ids]).size).toBe(62)
})

it("refuses a position that no page has given", async () => {
  const app = appOf([])
  const problems: unknown[] = []
  app.onError((error) => {
    problems.push(error)
    return new Response(null, { status: 400 })
  })
  await app.request("/sandbox/sessions?after=1.2.3")
  expect(problems).toMatchObject([{ code: "invalid_cursor" }])
})

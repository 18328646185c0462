import { Hono } from "hono"
import { expect, it, vi } from "vitest"
import { logRequests } from "./request-log.ts"

it("writes the method, the path, the status and the duration, and no query", async () => {
  const info = vi.fn()
  const app = new Hono().use(logRequests({ debug() {}, info, warn() {}, error() {} }))
  app.get("/api/health", (c) => c.json({}))
  await app.request("/api/health?token=secret")
  await app.request("/nowhere", { method: "POST" })
  expect(info.mock.calls).toEqual([
    [{ method: "GET", path: "/api/health", status: 200, durationMs: expect.any(Number) }, expect.any(String)],
    [{ method: "POST", path: "/nowhere", status: 404, durationMs: expect.any(Number) }, expect.any(String)],
  ])
})

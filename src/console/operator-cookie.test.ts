import { Hono } from "hono"
import { expect, test } from "vitest"
import type { HttpEnv } from "../http/http-env.ts"
import { createOperatorCookie } from "./operator-cookie.ts"

function appAt(clock: { now: number }, operatorKey = "correct-horse-battery-staple") {
  const cookie = createOperatorCookie({ operatorKey, clock: { now: () => clock.now }, path: "/console" })
  const app = new Hono<HttpEnv>()
  app.get("/set", (c) => {
    cookie.set(c, { secure: false })
    return c.body(null)
  })
  app.get("/check", (c) => c.json(cookie.isValid(c)))
  return {
    set: async () => (await app.request("/set")).headers.get("set-cookie")?.split(";")[0] ?? "",
    check: async (pair: string) => (await app.request("/check", { headers: { cookie: pair } })).json(),
  }
}

test("a cookie is valid for 12 hours, even if the clock of another process is ahead", async () => {
  const clock = { now: 1_790_000_000_000 }
  const pair = await appAt(clock).set()
  expect(await appAt(clock).check(pair)).toBe(true)
  clock.now += 12 * 3_600_000 - 1_000
  expect(await appAt(clock).check(pair)).toBe(true)
  clock.now += 1_000
  expect(await appAt(clock).check(pair)).toBe(false)
})

test("another key invalidates every cookie", async () => {
  const clock = { now: 1_790_000_000_000 }
  const pair = await appAt(clock).set()
  expect(await appAt(clock, "another-key-of-the-operator").check(pair)).toBe(false)
})

import { Hono } from "hono"
import { expect, test } from "vitest"
import type { HttpEnv } from "../http/http-env.ts"
import { createOperators, type OperatorKey } from "../http/operate/operators.ts"
import { createOperatorCookie } from "./operator-cookie.ts"

const ofAda: OperatorKey = { key: "correct-horse-battery-staple", name: "ada", scopes: ["read"] }

function appAt(clock: { now: number }, operatorKeys: readonly OperatorKey[] = [ofAda]) {
  const operators = createOperators({ operatorKeys }, undefined)
  const cookie = createOperatorCookie({ operators, clock: { now: () => clock.now }, path: "/console" })
  const app = new Hono<HttpEnv>()
  app.get("/set", (c) => {
    for (const signer of operators.keys.slice(0, 1)) cookie.set(c, signer, { secure: false })
    return c.body(null)
  })
  app.get("/check", (c) => c.json(cookie.read(c)))
  return {
    set: async () => (await app.request("/set")).headers.get("set-cookie")?.split(";")[0] ?? "",
    check: async (pair: string) => (await app.request("/check", { headers: { cookie: pair } })).json(),
  }
}

const ada = { name: "ada", scopes: ["read"], tenant: null }

test("a cookie names its operator for 12 hours, even if the clock of another process is ahead", async () => {
  const clock = { now: 1_790_000_000_000 }
  const pair = await appAt(clock).set()
  expect(pair).toMatch(/=ada\.1790000000\.1790043200\./)
  expect(await appAt(clock).check(pair)).toEqual(ada)
  clock.now += 12 * 3_600_000 - 1_000
  expect(await appAt(clock).check(pair)).toEqual(ada)
  clock.now += 1_000
  expect(await appAt(clock).check(pair)).toBeNull()
})

test("a cookie is worth nothing without the key that signed it, and has no other operator's name", async () => {
  const clock = { now: 1_790_000_000_000 }
  const pair = await appAt(clock).set()
  const key = "another-key-of-the-operator"
  expect(await appAt(clock, [{ ...ofAda, key }]).check(pair)).toBeNull()
  const both = [ofAda, { ...ofAda, key, name: "eve" }]
  expect(await appAt(clock, both).check(pair)).toEqual(ada)
  expect(await appAt(clock, both).check(pair.replace("ada", "eve"))).toBeNull()
})

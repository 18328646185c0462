import { Hono } from "hono"
import { expect, test } from "vitest"
import { rememberRevocations } from "../http/auth/remember-revocations.ts"
import { createFakeRevocations } from "../http/fixtures/fake-revocations.ts"
import type { HttpEnv } from "../http/http-env.ts"
import { createOperators, type OperatorKey } from "../http/operate/operators.ts"
import { createOperatorCookie } from "./operator-cookie.ts"

const ofAda: OperatorKey = { key: "correct-horse-battery-staple", name: "ada", scopes: ["read"] }

function appAt(
  clock: { now: number },
  operatorKeys: readonly OperatorKey[] = [ofAda],
  stored = createFakeRevocations(),
) {
  const operators = createOperators({ operatorKeys }, undefined)
  const revocations = rememberRevocations(stored, () => clock.now)
  const cookie = createOperatorCookie({
    ...{ operators, revocations, clock: { now: () => clock.now }, path: "/console" },
  })
  const app = new Hono<HttpEnv>()
  app.get("/set/:name", async (c) => {
    const signer = operators.keys.find(({ operator }) => operator.name === c.req.param("name"))
    if (signer !== undefined) await cookie.set(c, signer, { secure: false })
    return c.body(null)
  })
  app.get("/check", async (c) => c.json(await cookie.read(c)))
  app.get("/revoke", async (c) => {
    await cookie.revoke(c)
    return c.body(null)
  })
  const send = (path: string, pair: string) => app.request(path, { headers: { cookie: pair } })
  return {
    set: async (name = "ada") =>
      (await app.request(`/set/${name}`)).headers.get("set-cookie")?.split(";")[0] ?? "",
    check: async (pair: string) => (await send("/check", pair)).json(),
    revoke: async (pair: string) => (await send("/revoke", pair)).headers.get("set-cookie"),
  }
}

const ada = { name: "ada", scopes: ["read"], tenant: null }

test("a cookie names its operator for 12 hours, even if the clock of another process is ahead", async () => {
  const clock = { now: 1_790_000_000_000 }
  const pair = await appAt(clock).set()
  expect(pair).toMatch(/=ada\.0\.1790043200\./)
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

test("signing out ends the operator's cookies on every node within five seconds, and no one else's", async () => {
  const clock = { now: 1_790_000_000_000 }
  const keys = [ofAda, { ...ofAda, key: "another-key-of-an-operator", name: "eve" }]
  const stored = createFakeRevocations()
  const [here, there] = [appAt(clock, keys, stored), appAt(clock, keys, stored)]
  const [first, second, ofEve] = [await here.set(), await there.set(), await here.set("eve")]
  expect(await there.check(first)).toEqual(ada)
  expect(await here.revoke(first)).toContain("Max-Age=0")
  expect(await here.check(first)).toBeNull()
  clock.now += 5_000
  for (const pair of [first, second]) expect(await there.check(pair)).toBeNull()
  expect(await here.check(ofEve)).toMatchObject({ name: "eve" })
  expect(await here.check(await there.set())).toEqual(ada)
})

test("a cookie that is not valid signs no one out", async () => {
  const clock = { now: 1_790_000_000_000 }
  const app = appAt(clock)
  const pair = await app.set()
  await app.revoke(pair.replace("=ada.0.", "=ada.1."))
  expect(await app.check(pair)).toEqual(ada)
})

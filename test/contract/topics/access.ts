import { expect, test } from "vitest"
import { createAgent } from "../../../src/gateway/create-agent.ts"
import type { ContractUnderTest } from "../contract-under-test.ts"
import { init, initAgent, ofAgent, revoke, withSession } from "../operations.ts"
import { sharedSecret } from "../shared-secret.ts"

/** Registers tests of tokens and credentials. */
export function testAccess({ url, setClockAhead, call, newToken }: ContractUnderTest): void {
  test("requests without a token, or with a false, expired or orphaned one, are refused", async () => {
    const token = await newToken()
    for (const operation of withSession) {
      for (const wrong of [undefined, "a.b.c"]) {
        expect(await call(operation, { token: wrong })).toMatchObject({ status: 401, code: "invalid_token" })
      }
    }
    setClockAhead(2 * 60 * 60 * 1000)
    for (const operation of withSession) {
      expect(await call(operation, { token })).toMatchObject({ status: 401, code: "token_expired" })
    }
    setClockAhead(0)
    const elsewhere = createAgent("You answer.", sharedSecret)
    const here = createAgent("You answer.", sharedSecret)
    const through = (request: Request) => elsewhere.fetch(request)
    const begun = await call(init, { body: { api_key: "key" }, through: (request) => here.fetch(request) })
    const foreign = String(begun.bodies[0]?.session_token)
    for (const operation of withSession) {
      const answer = await call(operation, { token: foreign, through })
      expect(answer).toMatchObject({ status: 401, code: "session_not_found" })
    }
    await Promise.all([here.close(), elsewhere.close()])
  })

  test("a revoked session is closed", async () => {
    const token = await newToken()
    expect((await call(revoke, { token })).status).toBe(200)
    for (const operation of withSession) {
      expect(await call(operation, { token })).toMatchObject({ status: 401, code: "session_revoked" })
    }
  })

  test("a revoked session keeps its external id", async () => {
    const body = { api_key: "key", external_id: "order 7" }
    const { bodies } = await call(init, { body })
    await call(revoke, { token: String(bodies[0]?.session_token) })
    expect(await call(init, { body })).toMatchObject({ status: 409, code: "session_revoked" })
    expect(await call(initAgent, { body, ...ofAgent })).toMatchObject({
      status: 409,
      code: "session_revoked",
    })
  })

  test("an application that authenticates users accepts, refuses, or fails", async () => {
    const people = new Map([["ada", { userId: "ada" }]])
    const authenticate = async ({ headers }: Request) => {
      const name = headers.get("x-person") ?? ""
      if (name === "broken") throw new Error("secret")
      return people.get(name) ?? null
    }
    const knowing = createAgent("You answer.", { ...sharedSecret, authenticate })
    const as = (name: string) =>
      call(init, {
        headers: { "x-person": name, origin: new URL(url).origin },
        through: (request) => knowing.fetch(request),
      })
    expect((await as("ada")).bodies[0]).toMatchObject({ user_id: "ada" })
    expect(await as("eve")).toMatchObject({ status: 401, code: "invalid_credentials" })
    expect(await as("broken")).toMatchObject({ status: 503, code: "authentication_unavailable" })
    await knowing.close()
  })
}

import { expect, test } from "vitest"
import { createAgent } from "../../../src/gateway/create-agent.ts"
import type { ContractUnderTest } from "../contract-under-test.ts"
import { init, initAgent, listSessions, ofAgent, revoke, showSession, withSession } from "../operations.ts"
import { sharedSecret } from "../shared-secret.ts"

const ofUsers: ReadonlySet<string> = new Set([listSessions, showSession, revoke])

/** Registers tests of tokens and credentials. */
export function testAccess({ url, setClockAhead, call, newToken }: ContractUnderTest): void {
  test("requests without a token, or with a false, expired or orphaned one, are refused", async () => {
    const token = await newToken()
    for (const operation of withSession) {
      const none = ofUsers.has(operation) ? "invalid_credentials" : "invalid_token"
      expect(await call(operation, {})).toMatchObject({ status: 401, code: none })
      const wrong = { status: 401, code: "invalid_api_key" }
      expect(await call(operation, { token: "a.b.c" })).toMatchObject(wrong)
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

  test("a header that names a user is refused beside a token of another user, or if it is malformed", async () => {
    const token = await newToken()
    for (const operation of withSession) {
      const as = (user: string) => call(operation, { token, headers: { "x-user-id": user } })
      expect(await as("a,b")).toMatchObject({ status: 400, code: "invalid_user" })
      expect(await as("eve")).toMatchObject({ status: 409, code: "user_mismatch" })
    }
  })

  test("a user token opens the paths of its user until it is revoked, and no others", async () => {
    const body = { api_key: "key", user_id: "walker", scope: "user" }
    const issued = await call(init, { body })
    expect(issued.bodies[0]).toMatchObject({ user_id: "walker", agent: "agent" })
    const token = String(issued.bodies[0]?.user_token)
    expect((await call(initAgent, { body, ...ofAgent })).bodies[0]).toMatchObject({ user_id: "walker" })
    for (const operation of [...withSession, init].filter((each) => !ofUsers.has(each))) {
      const answer = await call(operation, { token, body: operation === init ? body : undefined })
      expect(answer).toMatchObject({ status: 403, code: "credential_not_accepted" })
    }
    expect((await call(listSessions, { token })).status).toBe(200)
    expect((await call(revoke, { token })).status).toBe(200)
    expect(await call(listSessions, { token })).toMatchObject({ status: 401, code: "token_revoked" })
  })

  test("paths of a user are refused without one", async () => {
    const { bodies } = await call(init, { body: { api_key: "key" } })
    const token = String(bodies[0]?.session_token)
    for (const operation of [listSessions, showSession])
      expect(await call(operation, { token })).toMatchObject({ status: 403, code: "user_required" })
    expect(await call(revoke, { token: "key" })).toMatchObject({ status: 403, code: "user_required" })
    const body = { api_key: "key", scope: "user" }
    expect(await call(init, { body })).toMatchObject({ status: 403, code: "user_required" })
    expect(await call(initAgent, { body, ...ofAgent })).toMatchObject({ status: 403 })
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

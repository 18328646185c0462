import { decodeProtectedHeader } from "jose"
import { describe, expect, it } from "vitest"
import { ConfigurationError } from "../../core/errors.ts"
import { createFakeKeyring } from "../fixtures/fake-keyring.ts"
import { createTestApp, readProblem, type TestApp } from "../fixtures/test-app.ts"
import { createSecretKeyring, createSessionTokens } from "./tokens.ts"

function open(app: TestApp, headers: Record<string, string>): Promise<Response> {
  return app.fetch("/api/chat/history", { headers })
}

describe("session tokens", () => {
  it("are valid until their last second, and then report that they expired", async () => {
    const app = createTestApp({ sessionTtlSeconds: 60 })
    const { headers } = await app.authorize()
    app.clock.time += 59_999
    expect((await open(app, headers)).status).toBe(200)
    app.clock.time += 1
    const response = await open(app, headers)
    expect(response.status).toBe(401)
    expect(response.headers.get("www-authenticate")).toBe("Bearer")
    expect(await readProblem(response)).toMatchObject({ code: "token_expired" })
  })

  it("of another process are valid and expire like its own", async () => {
    const keyring = createFakeKeyring()
    const [issuer, other] = [0, 1].map(() =>
      createSessionTokens({ keyring, clock: { now: () => now }, ttlSeconds: 60 }),
    )
    let now = 1_000_000
    const subject = { sessionId: "sess_1", tenant: "acme", userId: "ann" }
    const { token } = (await issuer?.issue(subject)) ?? { token: "" }
    // The first time, the signature is verified. The second time, the token is known.
    for (let time = 0; time < 2; time++) expect(await other?.verify(token)).toEqual(subject)
    now += 60_000
    const late = createSessionTokens({ keyring, clock: { now: () => now }, ttlSeconds: 60 })
    for (const tokens of [issuer, other, late]) {
      await expect(tokens?.verify(token)).rejects.toMatchObject({ code: "token_expired" })
    }
  })

  it("survive the rotation of their key, and end with it", async () => {
    const keyring = createFakeKeyring()
    const app = createTestApp({ keyring })
    const before = await app.authorize()
    await keyring.rotate()
    const after = await app.authorize()
    expect([before, after].map(({ headers }) => keyIdOf(headers))).toEqual(["key_1", "key_2"])
    expect((await open(app, before.headers)).status).toBe(200)
    expect((await open(app, after.headers)).status).toBe(200)

    await keyring.remove("key_1")
    const response = await open(app, before.headers)
    expect(response.status).toBe(401)
    expect(await readProblem(response)).toMatchObject({ code: "invalid_token" })
    expect((await open(app, after.headers)).status).toBe(200)
  })

  it("are refused with the id of another key", async () => {
    const keyring = createFakeKeyring()
    const app = createTestApp({ keyring })
    const { headers } = await app.authorize()
    await keyring.rotate()
    const [, payload, signature] = (headers.authorization ?? "").split(".")
    const header = { alg: "HS256", typ: "session+jwt", kid: "key_2" }
    const forged = [Buffer.from(JSON.stringify(header)).toString("base64url"), payload, signature].join(".")
    expect((await open(app, { authorization: `Bearer ${forged}` })).status).toBe(401)
  })

  it.each([["../key_1"], ["key_1'--"], [["key_1"]], [{ id: "key_1" }], [1], [""], ["k".repeat(65)], [null]])(
    "with the key id %j cause no read of the keyring",
    async (kid) => {
      const keyring = createFakeKeyring()
      const app = createTestApp({ keyring })
      const { headers } = await app.authorize()
      const [, payload, signature] = (headers.authorization ?? "").split(".")
      const header = { alg: "HS256", typ: "session+jwt", kid }
      const forged = [Buffer.from(JSON.stringify(header)).toString("base64url"), payload, signature].join(".")
      expect((await open(app, { authorization: `Bearer ${forged}` })).status).toBe(401)
      expect(keyring.asked).toEqual([])
      expect((await open(app, headers)).status).toBe(200)
      expect(keyring.asked).toEqual(["key_1"])
    },
  )

  it("are not created with a secret that is too short", () => {
    expect(() => createSecretKeyring("x".repeat(31))).toThrow(/jwtSecret/)
    expect(() => createSecretKeyring("x".repeat(32))).not.toThrow()
  })

  it("with a configured secret change only with the configuration", async () => {
    const keyring = createSecretKeyring("x".repeat(32))
    await expect(keyring.rotate()).rejects.toThrow(ConfigurationError)
    expect(await keyring.remove("configured")).toBe(false)
  })
})

function keyIdOf({ authorization = "" }: Record<string, string>): string | undefined {
  return decodeProtectedHeader(authorization.slice("Bearer ".length)).kid
}

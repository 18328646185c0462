import { decodeProtectedHeader } from "jose"
import { describe, expect, it } from "vitest"
import { ConfigurationError } from "../../core/errors.ts"
import { createFakeKeyring } from "../fixtures/fake-keyring.ts"
import { createFakeRevocations } from "../fixtures/fake-revocations.ts"
import { createTestApp, readProblem, type TestApp, testSecret } from "../fixtures/test-app.ts"
import { rememberRevocations } from "./remember-revocations.ts"
import { createSecretKeyring, createTokens, readTokenKind, type TokensOptions } from "./tokens.ts"

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
    const [issuer, other] = [0, 1].map(() => createTestTokens({ keyring, now: () => now }))
    let now = 1_000_000
    const subject = { kind: "session", sessionId: "sess_1", tenant: "acme", userId: "ann" } as const
    const { token } = (await issuer?.issue(subject)) ?? { token: "" }
    // The first time, the signature is verified. The second time, the token is known.
    for (let time = 0; time < 2; time++)
      expect(await other?.verify("session", token)).toMatchObject({ subject })
    now += 60_000
    const late = createTestTokens({ keyring, now: () => now })
    for (const tokens of [issuer, other, late]) {
      await expect(tokens?.verify("session", token)).rejects.toMatchObject({ code: "token_expired" })
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

const ann = { kind: "user", tenant: "acme", userId: "ann", agent: "agent" } as const

describe("tokens for users", () => {
  it("name the user, the tenant and the agent, and no session token is one", async () => {
    const tokens = createTestTokens()
    const { token } = await tokens.issue(ann)
    const { token: ofSession } = await tokens.issue({ ...ann, kind: "session", sessionId: "sess_1" })
    // The second time, the tokens are known.
    for (let time = 0; time < 2; time++) {
      expect((await tokens.verify("user", token)).subject).toEqual(ann)
      await expect(tokens.verify("session", token)).rejects.toMatchObject({ code: "invalid_token" })
      await expect(tokens.verify("user", ofSession)).rejects.toMatchObject({ code: "invalid_token" })
    }
    expect([token, ofSession, "key", "a.b.c"].map(readTokenKind)).toEqual(["user", "session", null, null])
  })

  it("of another store are refused, though it has the same secret", async () => {
    const [here, there] = ["store_1", "store_2"].map((id) => createTestTokens({ storeId: async () => id }))
    const issued = await here?.issue(ann)
    await expect(there?.verify("user", issued?.token ?? "")).rejects.toMatchObject({ code: "invalid_token" })
  })

  it("end with the revocation of the user, like the user's session tokens, and later ones are valid", async () => {
    const revocations = rememberRevocations(createFakeRevocations())
    const tokens = createTestTokens({ revocations })
    const { token } = await tokens.issue(ann)
    const ofSession = await tokens.issue({ ...ann, kind: "session", sessionId: "sess_1" })
    const verified = await tokens.verify("user", token)
    expect(await verified.isRevoked()).toBe(false)

    await revocations.revoke(ann)
    expect(await verified.isRevoked()).toBe(true)
    await expect(tokens.verify("user", token)).rejects.toMatchObject({ code: "token_revoked" })
    await expect(tokens.verify("session", ofSession.token)).rejects.toMatchObject({ code: "token_revoked" })
    const { token: later } = await tokens.issue(ann)
    expect((await tokens.verify("user", later)).subject).toEqual(ann)
    const { token: bobs } = await tokens.issue({ ...ann, userId: "bob" })
    await revocations.revoke(ann)
    expect((await tokens.verify("user", bobs)).subject.userId).toBe("bob")
  })

  it("end where they are in use, as the streams of users, when the key that signed them is removed", async () => {
    const keyring = createFakeKeyring()
    const tokens = createTestTokens({ keyring })
    const { token } = await tokens.issue(ann)
    const verified = await tokens.verify("user", token)
    await keyring.rotate()
    expect(await verified.isRevoked()).toBe(false)
    await keyring.remove("key_1")
    expect(await verified.isRevoked()).toBe(true)
    await expect(tokens.verify("user", token)).rejects.toMatchObject({ code: "invalid_token" })
  })

  it("are refused with 503 while the store does not say whether they are revoked", async () => {
    const away = Object.assign(new Error("away"), { code: "store_unavailable" })
    let isAway = false
    const validAfter = async () => {
      if (isAway) throw away
      return 0
    }
    let time = 0
    const revocations = rememberRevocations({ validAfter, revoke: validAfter }, () => time)
    const tokens = createTestTokens({ revocations })
    const { token } = await tokens.issue(ann)
    isAway = true
    expect((await tokens.verify("user", token)).subject).toEqual(ann)
    time = 5_000
    await expect(tokens.verify("user", token)).rejects.toBe(away)
  })

  it("of an unknown store are refused until the store says its id", async () => {
    const { token } = await createTestTokens().issue(ann)
    let isAway = true
    const storeId = async () => {
      if (isAway) throw new Error("away")
      return "store_1"
    }
    const tokens = createTestTokens({ storeId })
    await expect(tokens.verify("user", token)).rejects.toThrow("away")
    isAway = false
    expect((await tokens.verify("user", token)).subject).toEqual(ann)
  })
})

function createTestTokens({
  now = () => 1_000_000,
  ...options
}: Partial<TokensOptions> & { readonly now?: () => number } = {}) {
  return createTokens({
    keyring: createSecretKeyring(testSecret),
    revocations: rememberRevocations(createFakeRevocations()),
    storeId: async () => "store_1",
    clock: { now },
    ttlSeconds: 60,
    ...options,
  })
}

function keyIdOf({ authorization = "" }: Record<string, string>): string | undefined {
  return decodeProtectedHeader(authorization.slice("Bearer ".length)).kid
}

import { SignJWT, UnsecuredJWT } from "jose"
import { describe, expect, it } from "vitest"
import { createTestApp, problemOf, testSecret } from "../fixtures/test-app.ts"
import { keyringOfSecret, tokenAudience, tokenIssuer, tokenType } from "./tokens.ts"

const app = createTestApp()
const now = Math.floor(app.clock.now() / 1000)
const { sessionId, headers } = await app.authorize()
const good = headers.authorization?.slice("Bearer ".length) ?? ""
const session = await app.sessions.session(sessionId)

interface Forgery {
  readonly header?: Record<string, string | undefined>
  readonly claims?: Record<string, unknown>
  readonly secret?: string
}

/** A token that is right but for what is given. */
function token({ header = {}, claims = {}, secret = testSecret }: Forgery): Promise<string> {
  return new SignJWT({
    tenant: session?.tenant,
    user_id: session?.userId,
    sub: sessionId,
    iss: tokenIssuer,
    aud: tokenAudience,
    iat: now,
    exp: now + 60,
    ...claims,
  })
    .setProtectedHeader({ alg: "HS256", typ: tokenType, kid: "configured", ...header })
    .sign(new TextEncoder().encode(secret))
}

async function tryToken(bearer: string) {
  const response = await app.fetch("/api/chat/history", { headers: { authorization: `Bearer ${bearer}` } })
  return { status: response.status, challenge: response.headers.get("www-authenticate"), response }
}

describe("session tokens", () => {
  it("are taken when they are right", async () => {
    expect((await tryToken(good)).status).toBe(200)
    expect((await tryToken(await token({}))).status).toBe(200)
  })

  it.each<[string, () => Promise<string> | string]>([
    ["forged with another secret", () => token({ secret: "another secret of thirty-two bytes!!" })],
    ["with a changed claim", () => withClaims(good, { sub: "sess_2" })],
    ["with alg none", () => unsecured()],
    ["with alg none in capitals", () => `${encode({ alg: "NONE" })}.${good.split(".")[1]}.`],
    ["without a signature", () => `${good.split(".").slice(0, 2).join(".")}.`],
    ["with another algorithm", () => token({ header: { alg: "HS384" } })],
    ["for another audience", () => token({ claims: { aud: "another" } })],
    ["without an audience", () => token({ claims: { aud: undefined } })],
    ["of another issuer", () => token({ claims: { iss: "another" } })],
    ["of another type", () => token({ header: { typ: "JWT" } })],
    ["without a type", () => token({ header: { typ: undefined } })],
    ["with an unknown key", () => token({ header: { kid: "unknown" } })],
    ["with a key that is a path", () => token({ header: { kid: "../../secret" } })],
    ["without a key", () => token({ header: { kid: undefined } })],
    ["without an expiry", () => token({ claims: { exp: undefined } })],
    ["without a subject", () => token({ claims: { sub: undefined } })],
    ["with a subject that is no string", () => token({ claims: { sub: 1 } })],
    ["without a tenant", () => token({ claims: { tenant: undefined } })],
    ["not yet valid", () => token({ claims: { nbf: now + 60 } })],
    ["that is not a token", () => "nonsense"],
    ["of empty parts", () => ".."],
  ])("are refused %s", async (_, make) => {
    const { status, challenge, response } = await tryToken(await make())
    expect(status).toBe(401)
    expect(challenge).toBe("Bearer")
    expect(await problemOf(response)).toMatchObject({ code: "invalid_token", status: 401 })
  })

  it("expire at their last second, and say so", async () => {
    const expired = await tryToken(await token({ claims: { iat: now - 60, exp: now } }))
    expect(expired.status).toBe(401)
    expect(expired.challenge).toBe("Bearer")
    expect(await problemOf(expired.response)).toMatchObject({ code: "token_expired" })
  })

  it.each([
    ["missing", {}],
    ["of another scheme", { authorization: `Basic ${good}` }],
    ["without a scheme", { authorization: good }],
    ["with two tokens", { authorization: `Bearer ${good} ${good}` }],
  ])("are refused with a header that is %s", async (_, bad) => {
    const response = await app.fetch("/api/chat/history", { headers: bad as Record<string, string> })
    expect(response.status).toBe(401)
    expect(await problemOf(response)).toMatchObject({ code: "invalid_token" })
  })

  it("are not looked for in the address", async () => {
    const response = await app.fetch(
      `/api/chat/history?token=${good}&access_token=${good}&authorization=${good}`,
    )
    expect(response.status).toBe(401)
  })

  it.each([
    ["is gone", { sub: "sess_gone" }],
    ["is another tenant's", { tenant: "key_another" }],
    ["is another user's", { user_id: "another" }],
  ])("do not open a session that %s", async (_, claims) => {
    const { status, response } = await tryToken(await token({ claims }))
    expect(status).toBe(401)
    expect(await problemOf(response)).toMatchObject({ code: "session_not_found" })
  })

  it("are not made with a secret that is too short", () => {
    expect(() => keyringOfSecret("x".repeat(31))).toThrow(/jwtSecret/)
    expect(() => keyringOfSecret("x".repeat(32))).not.toThrow()
  })
})

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url")
}

function withClaims(original: string, claims: object): string {
  const [header, payload = "", signature] = original.split(".")
  const changed = { ...JSON.parse(Buffer.from(payload, "base64url").toString()), ...claims }
  return [header, encode(changed), signature].join(".")
}

function unsecured(): string {
  return new UnsecuredJWT({ tenant: session?.tenant, user_id: session?.userId })
    .setIssuer(tokenIssuer)
    .setAudience(tokenAudience)
    .setSubject(sessionId)
    .setIssuedAt(now)
    .setExpirationTime(now + 60)
    .encode()
}

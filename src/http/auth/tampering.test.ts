import { createHmac, generateKeyPairSync } from "node:crypto"
import { exportJWK, SignJWT } from "jose"
import { describe, expect, it } from "vitest"
import { createRequest, protectedRoutes } from "../../wires/native/fixtures/protected-routes.ts"
import { createTestApp, readProblem, testSecret } from "../fixtures/test-app.ts"
import { tokenAudience, tokenIssuer, tokenType, userTokenType } from "./tokens.ts"

const app = createTestApp({ rateLimits: false, validApiKeys: ["key"] })
const now = Math.floor(app.clock.now() / 1000)
const { sessionId, headers } = await app.authorize()
const other = await app.authorize()
const good = tokenIn(headers)
const session = await app.sessions.session(sessionId)

const secret = new TextEncoder().encode(testSecret)
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 })
const attackersSecret = new TextEncoder().encode("a secret that only the attacker has")
const attackersJwk = { ...(await exportJWK(attackersSecret)), alg: "HS256", kid: "configured" }

interface Forgery {
  readonly header?: Readonly<Record<string, unknown>>
  readonly claims?: Readonly<Record<string, unknown>>
  readonly key?: Uint8Array
}

const goodHeader = { alg: "HS256", typ: tokenType, kid: "configured" }
const goodClaims = {
  tenant: session?.tenant,
  user_id: session?.userId,
  sub: sessionId,
  iss: tokenIssuer,
  aud: tokenAudience,
  iat: now,
  exp: now + 60,
  va: 0,
}

/**
 * Returns a token that is valid except for the given parts. The test signs it itself, because a library would refuse
 * some of these.
 */
function token({ header = {}, claims = {}, key = secret }: Forgery = {}): string {
  const all = { ...goodHeader, ...header }
  const signed = `${encode(all)}.${encode({ ...goodClaims, ...claims })}`
  const hash = { HS384: "sha384", HS512: "sha512" }[String(all.alg)] ?? "sha256"
  return `${signed}.${createHmac(hash, key).update(signed).digest("base64url")}`
}

function signedByRsa(): Promise<string> {
  return new SignJWT(goodClaims).setProtectedHeader({ ...goodHeader, alg: "RS256" }).sign(rsa.privateKey)
}

const publicPem = rsa.publicKey.export({ type: "spki", format: "pem" }).toString()
const [goodHead = "", goodBody = "", goodSignature = ""] = good.split(".")

const forgeries: readonly (readonly [string, string])[] = [
  ["alg none", `${encode({ ...goodHeader, alg: "none" })}.${goodBody}.`],
  ["alg none, still signed", `${encode({ ...goodHeader, alg: "none" })}.${goodBody}.${goodSignature}`],
  ["alg NoNe", `${encode({ ...goodHeader, alg: "NoNe" })}.${goodBody}.`],
  ["alg of the empty string", token({ header: { alg: "" } })],
  ["no alg", token({ header: { alg: undefined } })],
  ["alg HS384", token({ header: { alg: "HS384" } })],
  ["alg HS512", token({ header: { alg: "HS512" } })],
  ["alg hs256", token({ header: { alg: "hs256" } })],
  ["a list as alg", token({ header: { alg: ["HS256"] } })],
  ["alg RS256, signed so", await signedByRsa()],
  ["a public key's text as the secret", token({ key: new TextEncoder().encode(publicPem) })],
  ["another secret", token({ key: attackersSecret })],
  ["an empty secret", token({ key: new Uint8Array() })],
  ["a secret of zeros", token({ key: new Uint8Array(32) })],
  ["a key of its own in jwk", token({ key: attackersSecret, header: { jwk: attackersJwk } })],
  ["a key of its own behind jku", token({ key: attackersSecret, header: { jku: "https://evil.test/keys" } })],
  ["a key of its own behind x5u", token({ key: attackersSecret, header: { x5u: "https://evil.test/c" } })],
  ["a key of its own in x5c", token({ key: attackersSecret, header: { x5c: ["MIIB"] } })],
  ["an unknown kid", token({ header: { kid: "key_unknown" } })],
  ["no kid", token({ header: { kid: undefined } })],
  ["an empty kid", token({ header: { kid: "" } })],
  ["a path as kid", token({ header: { kid: "../../../../dev/null" }, key: new Uint8Array() })],
  ["SQL as kid", token({ header: { kid: "x' UNION SELECT 'configured" } })],
  ["a list as kid", token({ header: { kid: ["configured"] } })],
  ["an object as kid", token({ header: { kid: { id: "configured" } } })],
  ["a number as kid", token({ header: { kid: 1 } })],
  ["kid __proto__", token({ header: { kid: "__proto__" } })],
  ["an overlong kid", token({ header: { kid: "k".repeat(10_000) } })],
  ["a critical extension", token({ header: { crit: ["exp"] } })],
  ["an unencoded payload", token({ header: { crit: ["b64"], b64: false } })],
  ["typ JWT", token({ header: { typ: "JWT" } })],
  ["no typ", token({ header: { typ: undefined } })],
  ["another audience", token({ claims: { aud: "another" } })],
  ["no audience", token({ claims: { aud: undefined } })],
  ["another issuer", token({ claims: { iss: "another" } })],
  ["no issuer", token({ claims: { iss: undefined } })],
  ["an expiry in the past", token({ claims: { iat: now - 120, exp: now - 60 } })],
  ["an expiry that is now", token({ claims: { exp: now } })],
  ["no expiry", token({ claims: { exp: undefined } })],
  ["an expiry that is text", token({ claims: { exp: String(now + 60) } })],
  ["nbf in the future", token({ claims: { nbf: now + 60 } })],
  ["no iat", token({ claims: { iat: undefined } })],
  ["no subject", token({ claims: { sub: undefined } })],
  ["a subject that is a number", token({ claims: { sub: 1 } })],
  ["the subject of a session that is gone", token({ claims: { sub: "sess_gone" } })],
  [
    "another session's subject, under the own tenant",
    token({ claims: { sub: other.sessionId, user_id: "me" } }),
  ],
  ["another tenant", token({ claims: { tenant: "key_other" } })],
  ["no tenant", token({ claims: { tenant: undefined } })],
  ["no time of validity", token({ claims: { va: undefined } })],
  ["the type of a user's token", token({ header: { typ: userTokenType } })],
  ["another user", token({ claims: { user_id: "other" } })],
  ["another session's payload", [goodHead, tokenIn(other.headers).split(".")[1], goodSignature].join(".")],
  ["another session's signature", [goodHead, goodBody, tokenIn(other.headers).split(".")[2]].join(".")],
  ["a changed claim", [goodHead, encode({ ...goodClaims, sub: other.sessionId }), goodSignature].join(".")],
  ["half of it", good.slice(0, good.length / 2)],
  ["one character less", good.slice(0, -1)],
  ["one character more", `${good}A`],
  ["no signature", `${goodHead}.${goodBody}.`],
  ["no third part", `${goodHead}.${goodBody}`],
  ["a fourth part", `${good}.${goodSignature}`],
  ["empty parts", ".."],
  ["nonsense", "nonsense"],
  ["a payload that is no JSON", `${goodHead}.${Buffer.from("{").toString("base64url")}.${goodSignature}`],
]

const badHeaders: readonly (readonly [string, readonly string[]])[] = [
  ["none", []],
  ["an empty one", [""]],
  ["another scheme", [`Basic ${good}`]],
  ["no scheme", [good]],
  ["the scheme alone", ["Bearer"]],
  ["two tokens", [`Bearer ${good} ${good}`]],
  ["two of them", [`Bearer ${good}`, `Bearer ${good}`]],
  ["a good one behind a bad one", ["Bearer bad", `Bearer ${good}`]],
  ["a quoted token", [`Bearer "${good}"`]],
  ["a token as a parameter", [`Bearer token=${good}`]],
]

describe.each(protectedRoutes)("$method $path", (route) => {
  const ask = (authorizations: readonly string[], more: RequestInit["headers"] = {}) => {
    const all = new Headers(more)
    for (const value of authorizations) all.append("authorization", value)
    return app.fetch(...createRequest(route, all))
  }
  const untouched = () => [
    app.sessions.starts,
    app.sessions.cancels,
    app.sessions.answers,
    app.sessions.revokedGrants,
    app.sessions.views,
  ]

  it.each(forgeries)("answers 401 to a token with %s", async (_, forged) => {
    const response = await ask([`Bearer ${forged}`])
    expect(response.status).toBe(401)
    expect(response.headers.get("www-authenticate")).toBe("Bearer")
    const { code } = await readProblem(response)
    expect(["invalid_token", "invalid_api_key", "token_expired", "session_not_found"]).toContain(code)
    expect(untouched()).toEqual(Array(5).fill([]))
  })

  it.each(badHeaders)("answers 401 to %s as Authorization", async (_, values) => {
    const response = await ask(values)
    expect(response.status).toBe(401)
    const { code } = await readProblem(response)
    expect(["invalid_token", "invalid_api_key", "invalid_credentials"]).toContain(code)
  })

  it("accepts a token only in the Authorization header", async () => {
    const everywhere = { cookie: `session_token=${good}; authorization=Bearer ${good}`, "x-api-key": good }
    const [path, init] = createRequest(route, everywhere)
    const query = `${path.includes("?") ? "&" : "?"}access_token=${good}&token=${good}`
    expect((await app.fetch(path + query, init)).status).toBe(401)
  })

  it.each([{}, { revokedAt: 1 }])(
    "answers the same for another agent's session as for a missing one",
    async (change) => {
      const [elsewhere, gone] = [await app.authorize(), await app.authorize()]
      app.sessions.change(elsewhere.sessionId, { agent: "other", ...change })
      const theirs = await ask([`Bearer ${tokenIn(elsewhere.headers)}`])
      expect(theirs.status).toBe(401)
      app.sessions.remove(gone.sessionId)
      const nobodys = await readProblem(await ask([`Bearer ${tokenIn(gone.headers)}`]))
      expect(nobodys).toMatchObject({ code: "session_not_found" })
      expect(await readProblem(theirs)).toEqual(nobodys)
      expect(untouched()).toEqual(Array(5).fill([]))
    },
  )

  it("answers 401 for a session that was revoked", async () => {
    const revoked = await app.authorize()
    app.sessions.change(revoked.sessionId, { revokedAt: 1 })
    const response = await ask([`Bearer ${tokenIn(revoked.headers)}`])
    expect(response.status).toBe(401)
    expect(await readProblem(response)).toMatchObject({ code: "session_revoked" })
  })
})

describe("a good token", () => {
  const ask = (authorization: string) => app.fetch("/api/chat/history", { headers: { authorization } })

  it.each([
    ["as it was issued", `Bearer ${good}`],
    ["made by hand", `Bearer ${token()}`],
    ["behind a scheme in lower case (RFC 9110, section 11.1)", `bearer ${good}`],
    ["behind a scheme in capitals", `BEARER ${good}`],
    ["behind several spaces", `Bearer   ${good}`],
    [
      "with headers that name other keys, of which nothing is used",
      `Bearer ${token({ header: { jku: "https://evil.test/k", x5u: "https://evil.test/c", jwk: attackersJwk } })}`,
    ],
    ["with a claim more", `Bearer ${token({ claims: { extra: 1, nbf: now } })}`],
  ])("is accepted %s", async (_, authorization) => {
    expect((await ask(authorization)).status).toBe(200)
  })
})

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url")
}

function tokenIn({ authorization = "" }: Record<string, string>): string {
  return authorization.slice("Bearer ".length)
}

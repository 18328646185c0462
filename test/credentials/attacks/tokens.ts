import { SignJWT } from "jose"
import { describe, expect, onTestFinished, test } from "vitest"
import { createAgent } from "../../../src/gateway/create-agent.ts"
import { scriptedProvider } from "../../../src/testing/provider/scripted-provider.ts"
import {
  apiKey,
  bearer,
  issueTokens,
  type Openers,
  origin,
  post,
  quiet,
  sayTo,
  secret,
  send,
} from "../clients.ts"

const cookie = { cookie: "user=ada" }

/** Registers what a client with a token tries. */
export function testTokens({ openGateway, openCookieGateway }: Openers): void {
  describe("tokens", () => {
    test("6 and 7. a user token does not open a session, even after it was verified", async () => {
      const gateway = openGateway()
      const { userToken } = await issueTokens(gateway, "ada")
      const headers = bearer(userToken)
      for (let time = 0; time < 2; time++) {
        const refused = await post(gateway, "/chat", { headers, body: { message: "Hi." } })
        expect(refused).toMatchObject({ status: 403, code: "credential_not_accepted" })
        expect((await send(gateway, "/sessions", { headers })).status).toBe(200)
      }
    })

    test("8. a user token of another store with the same secret is refused", async () => {
      const [here, there] = [openGateway({ jwtSecret: secret }), openGateway({ jwtSecret: secret })]
      const { userToken } = await issueTokens(here, "ada")
      expect((await send(here, "/sessions", { headers: bearer(userToken) })).status).toBe(200)
      const refused = await send(there, "/sessions", { headers: bearer(userToken) })
      expect(refused).toMatchObject({ status: 401, code: "invalid_token" })
    })

    test("9. no token leads to another token", async () => {
      const gateway = openGateway()
      const { userToken, sessionToken } = await issueTokens(gateway, "ada")
      const body = { api_key: apiKey, user_id: "ada" }
      for (const token of [userToken, sessionToken]) {
        const refused = await post(gateway, "/chat/init", { headers: bearer(token), body })
        expect(refused).toMatchObject({ status: 403, code: "credential_not_accepted" })
      }
      const signedIn = openCookieGateway({ jwtSecret: secret })
      const { body: issued } = await post(signedIn, "/chat/init", { headers: { ...cookie, origin } })
      const headers = { ...cookie, origin, ...bearer(issued.session_token) }
      expect((await post(signedIn, "/chat/init", { headers })).status).toBe(403)
    })

    test("10. an expired token is no API key, though any key is accepted", async () => {
      const clock = { time: Date.now(), now: () => clock.time }
      const gateway = createAgent("You answer.", {
        ...{
          store: "memory",
          logger: quiet,
          clock,
          provider: scriptedProvider(() => [{ type: "text", text: "Hi." }]),
        },
      })
      onTestFinished(() => gateway.close({ graceMs: 0 }))
      const { body } = await post(gateway, "/chat/init", { body: { api_key: "any" } })
      clock.time += 3_600_000
      const sent = { headers: bearer(body.session_token), body: sayTo("chat 1") }
      expect((await post(gateway, "/ai-sdk/chat", sent)).status).toBe(401)
      const asKey = await post(gateway, "/chat/init", { body: { api_key: body.session_token } })
      expect(asKey).toMatchObject({ status: 401, code: "invalid_api_key" })
      expect((await gateway.sessions.list()).items).toHaveLength(1)
    })

    test("11. a refused Bearer credential is not replaced by a good cookie", async () => {
      const gateway = openCookieGateway({ jwtSecret: secret })
      const forged = await new SignJWT({ tenant: "app_default", user_id: "ada", va: 0 })
        .setProtectedHeader({ alg: "HS256", typ: "session+jwt", kid: "configured" })
        .sign(new TextEncoder().encode("x".repeat(32)))
      for (const credential of ["wrong", forged, "a.b.c"]) {
        const headers = { ...cookie, origin, ...bearer(credential) }
        expect((await send(gateway, "/sessions", { headers })).status).toBe(401)
        expect((await post(gateway, "/ai-sdk/chat", { headers, body: sayTo("1") })).status).toBe(401)
      }
    })
  })
}

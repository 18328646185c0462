import { describe, expect, onTestFinished, test } from "vitest"
import type { Gateway } from "../../../src/gateway/gateway.ts"
import { scriptedProvider } from "../../../src/testing/provider/scripted-provider.ts"
import {
  apiKey,
  bearer,
  init,
  issueTokens,
  type Openers,
  post,
  quiet,
  sayTo,
  send,
  sendRaw,
} from "../clients.ts"

/** Registers what a client with the ids of others tries. */
export function testIdsOfOthers({ openGateway }: Pick<Openers, "openGateway">): void {
  describe("ids of others", () => {
    test("12. a session token beside another session's id is refused like beside a missing one", async () => {
      const gateway = openGateway()
      const { sessionToken } = await issueTokens(gateway, "ada")
      const { sessionId: other } = await issueTokens(gateway, "ada")
      const { sessionId: foreign } = await issueTokens(gateway, "eve")
      const answers = []
      for (const id of [other, foreign, "sess_missing", "chat 1"])
        answers.push(await post(gateway, "/ai-sdk/chat", { headers: bearer(sessionToken), body: sayTo(id) }))
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([409]))
      expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1)
    })

    test("another user's session is missing for everyone else", async () => {
      const gateway = openGateway()
      const { sessionId } = await issueTokens(gateway, "ada")
      const { userToken } = await issueTokens(gateway, "eve")
      for (const headers of [bearer(userToken), { ...bearer(apiKey), "x-user-id": "eve" }, bearer(apiKey)]) {
        const sent = { headers, body: sayTo(sessionId) }
        expect((await post(gateway, "/ai-sdk/chat", sent)).status).toBe(404)
      }
      const shown = await send(gateway, `/sessions/${sessionId}`, { headers: bearer(userToken) })
      expect(shown).toMatchObject({ status: 404, code: "session_not_found" })
    })

    test("another user's conversations are missing on every path of the other protocols", async () => {
      const gateway = openGateway()
      const ada = { ...bearer(apiKey), "x-user-id": "ada" }
      const { sessionId } = await issueTokens(gateway, "ada")
      const made = await post(gateway, "/v1/responses", { headers: ada, body: { input: "My secret." } })
      expect(made.status).toBe(200)
      const { userToken, sessionToken } = await issueTokens(gateway, "eve")
      const others = [bearer(userToken), bearer(sessionToken), { ...bearer(apiKey), "x-user-id": "eve" }]
      const id = String(made.body.id)
      const ask = (session: string, response: string, headers: Readonly<Record<string, string>>) => {
        const requests: readonly (readonly [string, string, object?])[] = [
          ["GET", `/ai-sdk/chat/${session}/stream`],
          ["POST", `/ai-sdk/chat/${session}/stop`],
          ["POST", "/ai-sdk/chat", sayTo(session)],
          ["POST", "/ag-ui", { threadId: session, runId: "1", messages: [{ role: "user", content: "Hi." }] }],
          ["GET", `/v1/responses/${response}`],
          ["DELETE", `/v1/responses/${response}`],
          ["POST", `/v1/responses/${response}/cancel`],
          ["GET", `/v1/responses/${response}/input_items`],
          ["POST", "/v1/responses", { input: "Hi.", previous_response_id: response }],
        ]
        return Promise.all(
          requests.map(async ([method, path, body]) => {
            const answer = await send(gateway, path, { method, headers, body })
            return JSON.stringify(answer).replaceAll(session, "SESSION").replaceAll(response, "RESPONSE")
          }),
        )
      }
      const change = (text: string) => text.replace(/.{4}$/, "0000")
      for (const headers of [...others, bearer(apiKey)]) {
        const found = await ask(sessionId, id, headers)
        expect(found).toEqual(await ask(change(sessionId), change(id), headers))
        for (const answer of found) expect(answer).toMatch(/^\{"status":(204|404|409),/)
      }
      expect((await send(gateway, `/v1/responses/${id}`, { headers: ada })).status).toBe(200)
    })

    test("13. one external id of two users is two sessions", async () => {
      const gateway = openGateway()
      const ids = []
      for (const user of ["ada", "eve", "ada"]) {
        const headers = { ...bearer(apiKey), "x-user-id": user }
        expect((await post(gateway, "/ai-sdk/chat", { headers, body: sayTo("chat 1") })).status).toBe(200)
        ids.push((await init(gateway, user, { external_id: "chat 1" })).session_id)
      }
      expect(ids[2]).toBe(ids[0])
      expect(ids[1]).not.toBe(ids[0])
    })

    test("14. a revoked session is not opened again by its external id", async () => {
      const gateway = openGateway()
      const { session_token: token } = await init(gateway, "ada", { external_id: "chat 1" })
      expect((await post(gateway, "/chat/revoke", { headers: bearer(token) })).status).toBe(200)
      const headers = { ...bearer(apiKey), "x-user-id": "ada" }
      expect((await post(gateway, "/ai-sdk/chat", { headers, body: sayTo("chat 1") })).status).toBe(409)
      const body = { api_key: apiKey, user_id: "ada", external_id: "chat 1" }
      expect(await post(gateway, "/chat/init", { body })).toMatchObject({
        status: 409,
        code: "session_revoked",
      })
    })

    test("15. two users in the header are refused, and so is a user beside another user's token", async () => {
      const gateway = openGateway()
      const headers = new Headers(bearer(apiKey))
      headers.append("x-user-id", "ada")
      headers.append("x-user-id", "eve")
      const twice = await send(gateway, "/sessions", { headers: Object.fromEntries(headers) })
      expect(twice).toMatchObject({ status: 400, code: "invalid_user" })
      const { userToken, sessionToken } = await issueTokens(gateway, "ada")
      for (const token of [userToken, sessionToken]) {
        const other = { ...bearer(token), "x-user-id": "eve" }
        const refused = await send(gateway, "/sessions", { headers: other })
        expect(refused).toMatchObject({ status: 409, code: "user_mismatch" })
      }
    })

    test("23. a message cannot take the place of another session's run", async () => {
      const gateway = openGateway()
      const ada = await issueTokens(gateway, "ada")
      const { sessionToken: second } = await issueTokens(gateway, "ada")
      const { sessionToken: eve } = await issueTokens(gateway, "eve")
      const say = (token: string, body: object) =>
        sendRaw(gateway, "/chat", { method: "POST", headers: bearer(token), body })
      const first = await say(ada.sessionToken, { message: "My secret." })
      await first.text()
      const runId = first.headers.get("x-run-id")
      for (const token of [eve, second]) {
        for (const said of [{}, { message: "Mine." }]) {
          const refused = await say(token, { ...said, supersede: { run_id: runId } })
          const missing = await say(token, { ...said, supersede: { run_id: "run_missing" } })
          expect([refused.status, missing.status]).toEqual([404, 404])
          const [body, other] = [await refused.json(), await missing.json()]
          expect(body).toMatchObject({ code: "run_not_found" })
          expect(body).toEqual(other)
        }
      }
      const { body } = await send(gateway, "/chat/history", { headers: bearer(ada.sessionToken) })
      expect(JSON.stringify(body)).not.toContain("superseded")
      const own = await say(ada.sessionToken, { supersede: { run_id: runId } })
      expect(own.status).toBe(200)
      await own.text()
    })

    test("a user token is for one agent, and lists only its sessions", async () => {
      const gateway = await openTwoAgents()
      const { user_token: token } = await init(gateway, "ada", { scope: "user" })
      await init(gateway, "ada")
      const body = { api_key: apiKey, user_id: "ada" }
      const { body: elsewhere } = await post(gateway, "/agents/second/chat/init", { body })
      const headers = bearer(token)
      const listed = await send(gateway, "/sessions", { headers })
      expect((listed.body.sessions as { agent: string }[]).map(({ agent }) => agent)).toEqual(["first"])
      expect((await send(gateway, `/sessions/${elsewhere.session_id}`, { headers })).status).toBe(404)
      const asked = await post(gateway, "/agents/second/ai-sdk/chat", { headers, body: sayTo("1") })
      expect(asked.status).toBe(404)
    })
  })
}

async function openTwoAgents(): Promise<Gateway> {
  const { createGateway } = await import("../../../src/gateway/create-gateway.ts")
  const provider = scriptedProvider(() => [{ type: "text", text: "Hi." }])
  const gateway = createGateway({
    ...{ store: "memory", logger: quiet, validApiKeys: [apiKey] },
    agents: { first: { systemPrompt: "One.", provider }, second: { systemPrompt: "Two.", provider } },
  })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  return gateway
}

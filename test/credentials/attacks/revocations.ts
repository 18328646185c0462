import { expect, onTestFinished, test } from "vitest"
import { openMemoryStore } from "../../../src/adapters/stores/sqlite/open.ts"
import type { Gateway } from "../../../src/gateway/gateway.ts"
import { eventually } from "../../end-to-end/support/eventually.ts"
import {
  apiKey,
  bearer,
  issueTokens,
  type Openers,
  origin,
  post,
  quiet,
  type Sent,
  sayTo,
  send,
} from "../clients.ts"

/** Registers what a client tries after a revocation. */
export function testRevocations({ openGateway }: Pick<Openers, "openGateway">): void {
  test("17. a process whose clock is a minute ahead respects a revocation, and its tokens too", async () => {
    const store = await openMemoryStore({ clock: { now: () => Date.now() }, logger: quiet })
    onTestFinished(() => store.close())
    const ahead = { now: () => Date.now() + 60_000 }
    const [here, there] = [openGateway({ store }), openGateway({ store, clock: ahead })]
    const { userToken } = await issueTokens(there, "ada")
    const revocation = await post(here, "/chat/revoke", {
      headers: { ...bearer(apiKey), "x-user-id": "ada" },
    })
    expect(revocation.status).toBe(200)
    const refused = await send(here, "/sessions", { headers: bearer(userToken) })
    expect(refused).toMatchObject({ status: 401, code: "token_revoked" })
    const { userToken: next } = await issueTokens(there, "ada")
    for (const gateway of [here, there])
      expect((await send(gateway, "/sessions", { headers: bearer(next) })).status).toBe(200)
  })

  test("a request whose body arrives after the revocation of its user starts no run, on any wire", async () => {
    const gateway = openGateway()
    const { sessionToken, userToken } = await issueTokens(gateway, "ada")
    const slow = await Promise.all([
      sendSlowly(gateway, "/chat", { headers: bearer(sessionToken), body: { message: "Hi." } }),
      sendSlowly(gateway, "/ai-sdk/chat", { headers: bearer(userToken), body: sayTo("chat 1") }),
      sendSlowly(gateway, "/v1/responses", { headers: bearer(userToken), body: { input: "Hi." } }),
      sendSlowly(gateway, "/ag-ui", {
        headers: bearer(userToken),
        body: { threadId: "1", runId: "1", messages: [{ id: "1", role: "user", content: "Hi." }] },
      }),
    ])
    const everyone = { headers: { ...bearer(apiKey), "x-user-id": "ada" } }
    expect((await post(gateway, "/chat/revoke", everyone)).status).toBe(200)
    await eventually("the refusal by every node", async () => {
      const sent = { headers: bearer(userToken) }
      const codes = [await send(gateway, "/sessions", sent), await send(gateway, "/sessions", sent)]
      return codes.every(({ code }) => code === "token_revoked") ? true : null
    })
    for (const finish of slow) expect((await finish()).status).toBe(401)
    expect((await gateway.operate("runs.list", {})).items).toEqual([])
  })

  test("code revokes the tokens of a user, and of no one else", async () => {
    const gateway = openGateway()
    const [{ userToken, sessionToken }, { userToken: eves }] = [
      await issueTokens(gateway, "ada"),
      await issueTokens(gateway, "eve"),
    ]
    const ofAda = (await gateway.sessions.list()).items.find(({ userId }) => userId === "ada")
    if (ofAda === undefined) throw new Error("The session of the user is missing.")
    await gateway.revokeUser(ofAda)
    for (const token of [userToken, userToken, sessionToken, sessionToken])
      await eventually("the refusal", async () => {
        const { code } = await send(gateway, "/sessions", { headers: bearer(token) })
        return code === "token_revoked" ? true : null
      })
    expect((await send(gateway, "/sessions", { headers: bearer(eves) })).status).toBe(200)
  })
}

/**
 * Sends a request without its body. Resolves when the gateway waits for the body, to a function that sends it and
 * resolves to the response.
 */
async function sendSlowly(
  gateway: Gateway,
  path: string,
  { headers = {}, body }: Sent,
): Promise<() => Promise<Response>> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const init = {
    ...{ method: "POST", headers: { ...headers, "content-type": "application/json" } },
    ...{ body: readable, duplex: "half" as const },
  }
  const response = Promise.resolve(gateway.fetch(new Request(`${origin}/api${path}`, init)))
  const writer = writable.getWriter()
  const bytes = new TextEncoder().encode(JSON.stringify(body))
  // The stream holds one piece, so a second one is accepted only after the gateway has read the first.
  await writer.write(bytes.slice(0, 1))
  await writer.write(bytes.slice(1, 2))
  return async () => {
    await writer.write(bytes.slice(2))
    await writer.close()
    return response
  }
}

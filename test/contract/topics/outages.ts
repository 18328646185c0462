import { expect, test } from "vitest"
import { createAgent } from "../../../src/gateway/create-agent.ts"
import type { ContractUnderTest } from "../contract-under-test.ts"
import { storeFaults, tools } from "../gateway-under-test.ts"
import {
  cancel,
  chat,
  hello,
  history,
  init,
  initAgent,
  mcpCallback,
  mcpConfirmation,
  ofAgent,
  withSession,
} from "../operations.ts"
import { sharedSecret } from "../shared-secret.ts"

/** Registers tests of a store that fails and a server that stops. */
export function testOutages({ failStore, call, send, check, newToken }: ContractUnderTest): void {
  test("an unavailable store is 503, and a broken one is 500 without details", async () => {
    const token = await newToken()
    const body = { api_key: "key" }
    for (const [fault, expected] of storeFaults) {
      failStore(fault)
      for (const operation of withSession) {
        const answer = await call(operation, { token })
        expect(answer).toMatchObject(expected)
        expect(JSON.stringify(answer)).not.toContain("secret")
      }
      expect(await call(init, { body })).toMatchObject(expected)
      expect(await call(initAgent, { ...ofAgent, body })).toMatchObject(expected)
      for (const returning of [mcpCallback, mcpConfirmation])
        expect(await call(`${returning}?state=any&code=any`)).toMatchObject(expected)
      const notReady = await call("GET /ready")
      expect(notReady.status).toBe(503)
      expect(JSON.stringify(notReady)).not.toContain("secret")
      failStore(null)
    }
  })

  test("a stopping server accepts no new work, and still serves reads", async () => {
    const stopping = createAgent("You answer.", { ...sharedSecret, tools })
    const through = (request: Request) => stopping.fetch(request)
    const begun = await call(init, { body: { api_key: "key" }, through })
    const token = String(begun.bodies[0]?.session_token)
    const stream = await send(chat, { token, through, body: { message: "/tool hang" } })
    const closed = stopping.close({ graceMs: 60_000 })
    expect((await call("GET /ready", { through })).status).toBe(503)
    for (const operation of [init, chat]) {
      const body = operation === init ? { api_key: "key" } : hello
      const sent = { ...(operation === chat && { token }), through, body }
      const refused = await call(operation, sent)
      expect(refused).toMatchObject({ status: 503, code: "shutting_down" })
    }
    expect((await call(history, { token, through })).status).toBe(200)
    await call(cancel, { token, through })
    await check(chat, stream)
    await closed
  })
}

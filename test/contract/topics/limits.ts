import { expect, test } from "vitest"
import { createAgent } from "../../../src/gateway/create-agent.ts"
import type { ContractUnderTest } from "../contract-under-test.ts"
import {
  cancel,
  chat,
  hello,
  history,
  init,
  initAgent,
  limited,
  ofAgent,
  subscribe,
  withSession,
} from "../operations.ts"
import { sharedSecret } from "../shared-secret.ts"

/** Registers tests of storage, readers and rates. */
export function testLimits({
  url,
  fill,
  holdHistories,
  call,
  send,
  check,
  newToken,
}: ContractUnderTest): void {
  test("a session and a user over their storage limits are 413", async () => {
    const [full, hoarder] = [await newToken("chatterer"), await newToken("hoarder")]
    fill({ session: true, principal: false })
    expect(await call(chat, { token: full, body: hello })).toMatchObject({
      status: 413,
      code: "session_too_large",
    })
    fill({ session: false, principal: true })
    expect(await call(chat, { token: hoarder, body: hello })).toMatchObject({
      status: 413,
      code: "principal_storage_exceeded",
    })
    fill({ session: false, principal: false })
  })

  test("too many readers of one session or user are 429", async () => {
    const token = await newToken("reader")
    const run = await send(chat, { token, body: { message: "/tool hang" } })
    const viewers = [run]
    while (viewers.length < 4) viewers.push(await send(subscribe, { token }))
    expect(await call(subscribe, { token })).toMatchObject({ status: 429, code: "too_many_viewers" })
    const release = holdHistories()
    const reads = Array.from({ length: 257 }, () => call(history, { token }))
    const codes = Promise.all(reads).then((answers) => answers.map(({ status, code }) => code ?? status))
    await Promise.race(reads)
    release()
    expect(new Set(await codes)).toEqual(new Set([200, "too_many_history_reads"]))
    await Promise.all(viewers.map((viewer) => viewer.body?.cancel()))
    expect((await call(cancel, { token })).status).toBe(200)
  })

  test("a client with too many requests or failures learns when to retry", async () => {
    const rateLimits = {
      initPerMinute: 1,
      requestsPerMinute: 1,
      tenantRequestsPerMinute: 1,
      failuresPerMinute: 1,
    }
    const counting = createAgent("You answer.", { ...sharedSecret, validApiKeys: ["key"], rateLimits })
    const { url: address } = await counting.listen({ port: 0 })
    const through = (request: Request) => fetch(new Request(request.url.replace(url, address), request))
    const refused = { status: 429, code: "rate_limited" }
    const key = { body: { api_key: "key", user_id: "ada" }, through }

    const begun = await send(init, key)
    expect(begun.headers.get("ratelimit-policy")).toBe('"init";q=1;w=60')
    expect(begun.headers.get("ratelimit")).toMatch(/^"init";r=0;t=\d+$/)
    const token = String((await check(init, begun)).bodies[0]?.session_token)
    const again = await send(init, key)
    expect(again.headers.get("retry-after")).toMatch(/^\d+$/)
    expect(await check(init, again)).toMatchObject(refused)
    expect(await call(initAgent, { ...ofAgent, ...key })).toMatchObject(refused)

    expect((await call(cancel, { token, through })).status).toBe(404)
    for (const operation of limited) expect(await call(operation, { token, through })).toMatchObject(refused)
    expect((await call(history, { token, through })).status).toBe(200)
    expect((await call(history, { token: "a.b.c", through })).status).toBe(401)
    for (const operation of withSession) {
      expect(await call(operation, { token: "a.b.c", through })).toMatchObject(refused)
    }
    await counting.close()
  })
}

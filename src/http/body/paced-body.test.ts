import { expect, it } from "vitest"
import { createJsonRequest, createTestApp, readProblem } from "../fixtures/test-app.ts"

const large = { message: "x".repeat(4_000_000) }

/** Returns a request with a `content-length`, like a request over a connection. */
function sized(body: object, headers: Record<string, string>) {
  return createJsonRequest(body, { ...headers, "content-length": String(JSON.stringify(body).length) })
}

it("delays a user's large bodies for each other, and not those of other users", async () => {
  const app = createTestApp()
  const { headers } = await app.authorize()
  const ended: string[] = []
  const post = async (name: string, body: object, who: Record<string, string>) => {
    const response = await app.fetch("/api/chat/cancel", sized(body, who))
    await response.body?.cancel()
    ended.push(name)
  }
  const init = await app.fetch("/api/chat/init", createJsonRequest({ api_key: "another" }))
  const { session_token } = (await init.json()) as { session_token: string }
  const other = { ...headers, authorization: `Bearer ${session_token}` }
  // A body over the size limit is refused at once. These are within the limit of this route.
  const within = { message: "x".repeat(250_000) }
  const hog = Array.from({ length: 60 }, (_, index) => post(`hog ${index}`, within, headers))
  await post("other", within, other)
  await post("small", {}, headers)
  expect(ended.length).toBeLessThan(60)
  await Promise.all(hog)
  expect(ended).toHaveLength(62)
})

it("refuses a large body that would wait for too long", async () => {
  const app = createTestApp()
  const { headers } = await app.authorize()
  const requests = Array.from({ length: 60 }, () => {
    const aborting = new AbortController()
    const request = { ...sized(large, headers), signal: aborting.signal }
    return { response: app.fetch("/api/chat", request), abort: () => aborting.abort() }
  })
  const refused = await Promise.race(
    requests.map(({ response }) =>
      response.then((each) => (each.status === 429 ? each : new Promise<never>(() => {}))),
    ),
  )
  expect(await readProblem(refused)).toMatchObject({ status: 429, code: "rate_limited" })
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(15)
  for (const { abort } of requests) abort()
  await Promise.allSettled(requests.map(({ response }) => response))
})

it("does not treat small bodies without a length as large ones", async () => {
  const app = createTestApp()
  const { headers } = await app.authorize()
  const small = () => {
    const { body, ...init } = createJsonRequest({}, headers)
    const stream = new Blob([String(body)]).stream()
    return { ...init, body: stream, duplex: "half" } as RequestInit
  }
  for (let count = 0; count < 100; count++) {
    const response = await app.fetch("/api/chat/cancel", small())
    expect(response.status).not.toBe(429)
    await response.body?.cancel()
  }
})
